"""The rivals that need no server, on TOFU's records. What one leaves as it is, is taken from the model without a guard."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tqdm import tqdm

from classifiers.head.classifier import HeadClassifier
from classifiers.meaning.encoder import SentenceEncoder
from evaluation.answers.partial import Partial
from evaluation.detection.measure import classified
from evaluation.detection.sets import Forget, question
from evaluation.likelihood import TokenLikelihood
from evaluation.metrics.overlap import rouge_l
from evaluation.rivals.corruption import Corruption, strongest_match
from evaluation.rivals.generating import answers
from evaluation.rivals.memfree import MemFree
from evaluation.rivals.paper import Paper
from evaluation.tofu.records import Record

MEMFREE, CORRUPTION, PAPER = "memfree", "corruption", "paper"
RIVALS = (MEMFREE, CORRUPTION, PAPER)
"""No run of six tokens of a forgotten answer; corrupted prompts; GUARD as in its paper."""
NEEDED = ("answers", "likely")
"""What a rival needs of the model without a guard."""
_TRIED = 40
"""The questions on which the strength of the corruption is chosen."""


@dataclass(frozen=True)
class Setting:
    """What a rival gets.

    Attributes:
        model: The model.
        forget: What is to be forgotten.
        phrases: The forbidden phrases of each target by its id.
        background: The operator's innocent prompts, from which a classifier learns.
        tokens: The most tokens of an answer.
        forgotten: The records of what is to be forgotten.
        unseen: What the model that never saw it answers to these: corruption is to score as it does.
    """

    model: TokenLikelihood
    forget: Forget
    phrases: Mapping[str, Sequence[str]]
    background: Sequence[str]
    tokens: int
    forgotten: Sequence[Record]
    unseen: Sequence[str]

    def classifier(self) -> HeadClassifier:
        """Return the classifier of GUARD's paper, trained on the targets' examples and the background."""
        return HeadClassifier(self.forget.targets, self.background, SentenceEncoder())


class Rival(Protocol):
    """What is asked of a rival."""

    def concerned(self, rows: Sequence[Record], said: Sequence[str]) -> list[bool]:
        """Return for each record whether the rival changes the answer, of which the unguarded one is in `said`."""

    def answers(self, rows: Sequence[Record]) -> list[str]:
        """Return the answers to such records."""

    def likelihood(self, row: Record) -> list[list[float]] | None:
        """Return the log probabilities of the tokens of a record's candidates; None where they are those without a guard."""

    def about(self) -> dict[str, float]:
        """Return what else was measured."""


def rival(name: str, setting: Setting) -> Rival:
    """Return a rival of `RIVALS`."""
    made: dict[str, Callable[[Setting], Rival]] = {MEMFREE: _MemFree, CORRUPTION: _Corruption, PAPER: _Paper}
    return made[name](setting)


def measure(
    one: Rival, label: str, records: Mapping[str, Sequence[Record]], none: Mapping[str, Any], parts: Partial | dict[str, Any]
) -> None:
    """Ask a rival, and keep its parts.

    Args:
        one: The rival.
        label: What the progress says.
        records: The records that it is asked, by set.
        none: The parts of the model without a guard, of the same records.
        parts: Where its own are kept.
    """
    for name, rows in records.items():
        before = none[f"answers {name}"]
        changed = one.concerned(rows, before)
        said = iter(one.answers([row for row, new in zip(rows, changed, strict=True) if new]))
        parts[f"answers {name}"] = [next(said) if new else old for new, old in zip(changed, before, strict=True)]
        asked = list(zip(rows, none[f"likely {name}"], strict=True))
        progress = tqdm(asked, desc=f"{label}: likelihood of {name}", file=sys.stderr)
        parts[f"flagged {name}"] = changed
        parts[f"held {name}"] = [[]] * len(rows)
        parts[f"likely {name}"] = [one.likelihood(row) or old for row, old in progress]
    parts["about"] = one.about()


class _MemFree:
    def __init__(self, setting: Setting) -> None:
        self._model, self._tokens = setting.model, setting.tokens
        self._memfree = MemFree([self._ids(text.completion) for target in setting.forget.targets for text in target.examples])

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._model.tokenizer.encode(text, add_special_tokens=False)
        return ids

    def concerned(self, rows: Sequence[Record], said: Sequence[str]) -> list[bool]:
        return [self._memfree.concerns(self._ids(text)) for text in said]

    def answers(self, rows: Sequence[Record]) -> list[str]:
        return answers(self._model, [row.question for row in rows], self._tokens, MEMFREE, lambda: self._memfree)

    def likelihood(self, row: Record) -> list[list[float]] | None:
        if not any(self._memfree.concerns(self._ids(text)) for text in row.candidates):
            return None
        return self._model.tokens(row.question, row.candidates, lambda: self._memfree)

    def about(self) -> dict[str, float]:
        return {}


class _Corruption:
    def __init__(self, setting: Setting) -> None:
        self._model, self._tokens, self._head = setting.model, setting.tokens, setting.classifier()
        self._corruption = Corruption(setting.model, [target.name for target in setting.forget.targets])
        self._flagged: set[str] = set()
        step = max(1, len(setting.forgotten) // _TRIED)
        rows, unseen = setting.forgotten[::step], setting.unseen[::step]
        wanted = _mean_recall(unseen, rows)

        def distance(strength: float) -> float:
            return abs(_mean_recall(self._said([row.question for row in rows], strength), rows) - wanted)

        self._strength = strongest_match(distance)

    def _said(self, questions: Sequence[str], strength: float) -> list[str]:
        read = [self._corruption.embedding(text, strength) for text in questions]
        return answers(self._model, questions, self._tokens, f"corruption {strength:g}", embeddings=read)

    def concerned(self, rows: Sequence[Record], said: Sequence[str]) -> list[bool]:
        flagged = _flagged(self._head, rows)
        self._flagged.update(row.question for row, found in zip(rows, flagged, strict=True) if found)
        return flagged

    def answers(self, rows: Sequence[Record]) -> list[str]:
        return self._said([row.question for row in rows], self._strength)

    def likelihood(self, row: Record) -> list[list[float]] | None:
        if row.question not in self._flagged:
            return None
        read = self._corruption.embedding(row.question, self._strength)
        return self._model.tokens(row.question, row.candidates, embedding=read)

    def about(self) -> dict[str, float]:
        return {"strength": self._strength}


class _Paper:
    def __init__(self, setting: Setting) -> None:
        self._tokens, self._head = setting.tokens, setting.classifier()
        self._paper = Paper(setting.model, setting.forget.targets, setting.phrases)
        self._flagged: set[str] = set()
        self._cost = {"searches": 0.0, "steps": 0.0, "matching_s": 0.0}

    def concerned(self, rows: Sequence[Record], said: Sequence[str]) -> list[bool]:
        flagged = _flagged(self._head, rows)
        self._flagged.update(row.question for row, found in zip(rows, flagged, strict=True) if found)
        return flagged

    def answers(self, rows: Sequence[Record]) -> list[str]:
        found = self._paper.answers([row.question for row in rows], self._tokens)
        self._cost["searches"] += len(found)
        self._cost["steps"] += sum(one.steps for one in found)
        self._cost["matching_s"] += sum(one.matching_s for one in found)
        return [one.text for one in found]

    def likelihood(self, row: Record) -> list[list[float]] | None:
        return self._paper.likelihood(row.question, row.candidates) if row.question in self._flagged else None

    def about(self) -> dict[str, float]:
        return dict(self._cost)


def _mean_recall(said: Sequence[str], rows: Sequence[Record]) -> float:
    return statistics.fmean(rouge_l(text, row.answer).recall for text, row in zip(said, rows, strict=True))


def _flagged(head: HeadClassifier, rows: Sequence[Record]) -> list[bool]:
    return [bool(found) for _, found in classified(head, [question(row.question) for row in rows])]
