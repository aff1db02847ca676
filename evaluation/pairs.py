"""Questions, their other wordings and their answers: what the tiny model learns and what measurements ask."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class QAPair:
    """One answer and every wording of the question it answers."""

    question: str
    answer: str
    paraphrases: tuple[str, ...] = ()

    @property
    def questions(self) -> tuple[str, ...]:
        """The original question, then its paraphrases."""
        return (self.question, *self.paraphrases)

    @property
    def texts(self) -> tuple[str, ...]:
        """The questions, then the answer."""
        return (*self.questions, self.answer)


def pair_from_mapping(record: Mapping[str, Any]) -> QAPair:
    """Return the pair that a record holds, without paraphrases that repeat the question or another paraphrase.

    Args:
        record: the fields `question` and `answer` and, where present, `paraphrases` (a list) and `paraphrased_question` (a
            string or a list). Other fields are ignored: benchmark files also hold wrong answers and options.

    Raises:
        ValueError: a field is missing, empty or of the wrong type.
    """
    question, answer = _text(record, "question"), _text(record, "answer")
    wordings: list[str] = []
    for field in ("paraphrases", "paraphrased_question"):
        value = record.get(field)
        if value is None:
            continue
        for wording in [value] if isinstance(value, str) else value if isinstance(value, list) else [None]:
            if not isinstance(wording, str) or not wording.strip():
                raise ValueError(f"'{field}' must be text or a list of texts, none of them empty")
            wordings.append(wording.strip())
    return QAPair(question, answer, tuple(dict.fromkeys(w for w in wordings if w != question)))


def load_jsonl(path: Path) -> list[QAPair]:
    """Return the pairs of a JSON Lines file such as TOFU's, without blank lines.

    Raises:
        ValueError: a line is no such record (the message names file and line), or the file holds no pair.
        OSError: the file cannot be read.
    """
    pairs: list[QAPair] = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise ValueError("not a JSON object")
                pairs.append(pair_from_mapping(record))
            except ValueError as error:  # json.JSONDecodeError is one too
                raise ValueError(f"{path}:{number}: {error}") from error
    if not pairs:
        raise ValueError(f"{path}: no question-answer pair in it")
    return pairs


def ambiguous_questions(pairs: Sequence[QAPair]) -> dict[str, set[str]]:
    """Return the questions that have more than one answer in `pairs`, with their answers.

    No deterministic model can answer all of those exactly.
    """
    answers: dict[str, set[str]] = {}
    for pair in pairs:
        for question in pair.questions:
            answers.setdefault(question, set()).add(pair.answer)
    return {question: found for question, found in answers.items() if len(found) > 1}


def _text(record: Mapping[str, Any], field: str) -> str:
    value = record.get(field)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"'{field}' is missing, empty or not text")
    return value.strip()
