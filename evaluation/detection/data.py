"""Data: hand-written wordings of thirty forget10 questions, and the author whom each question of a forget set is about."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import combinations
from typing import Any

from evaluation.pairs import QAPair

QUESTIONS_PER_AUTHOR = 20
"""In TOFU (Maini et al. 2024, arXiv 2401.06121) each author has twenty questions, which are consecutive in each file."""

_WORD = re.compile(r"[^\W\d_](?:[\w.'’-]*\w)?")
_POSSESSIVE = re.compile(r"['’]s?(?!\w)")


@dataclass(frozen=True)
class Paraphrased:
    """A question by its line in forget10 (from 0), and other wordings of it: a near one, a reworded one, a casual one."""

    index: int
    paraphrases: tuple[str, ...]


@dataclass(frozen=True)
class Translated:
    """A question by its line in forget10 (from 0), in other languages by their ISO 639-1 codes.

    All `questions` contain `name`, the full name of the author in Latin letters, even if the original does not name the author.
    Those of `transliterated`, which most questions lack, write the name in the script of the language.
    """

    index: int
    name: str
    questions: Mapping[str, str]
    transliterated: Mapping[str, str] = field(default_factory=dict)


def load_paraphrases() -> tuple[Paraphrased, ...]:
    """Return the paraphrases that come with the package."""
    return tuple(Paraphrased(record["index"], tuple(record["paraphrases"])) for record in _records("paraphrases.json"))


def load_languages() -> tuple[Translated, ...]:
    """Return the translations that come with the package: each question in German, Spanish, French, Arabic and Chinese."""
    return tuple(
        Translated(
            record["index"],
            record["name"],
            {code: record[code] for code in ("de", "es", "fr", "ar", "zh")},
            record.get("transliterated", {}),
        )
        for record in _records("languages.json")
    )


def names_of_authors(pairs: Sequence[QAPair]) -> tuple[str, ...]:
    """Return the full name of the author of each pair, in the pairs' order.

    An author's name is the sequence of two to four capitalised words that occurs in the most of the author's twenty pairs; of
    several such sequences, the longest.

    Args:
        pairs: The pairs of TOFU's forget01, forget05 or forget10 in the order of the file.

    Raises:
        ValueError: The number of pairs is not a multiple of twenty, or no such sequence occurs in at least half of twenty pairs.
    """
    if len(pairs) % QUESTIONS_PER_AUTHOR:
        raise ValueError(f"{len(pairs)} pairs are not {QUESTIONS_PER_AUTHOR} of each author")
    names: list[str] = []
    for start in range(0, len(pairs), QUESTIONS_PER_AUTHOR):
        counts: Counter[str] = Counter()
        for pair in pairs[start : start + QUESTIONS_PER_AUTHOR]:
            counts.update(_capitalised(pair.question) | _capitalised(pair.answer))
        name, count = max(counts.items(), key=lambda item: (item[1], len(item[0])), default=("", 0))
        if 2 * count < QUESTIONS_PER_AUTHOR:
            raise ValueError(f"pairs {start} to {start + QUESTIONS_PER_AUTHOR - 1} have no name in common")
        names += [name] * QUESTIONS_PER_AUTHOR
    return tuple(names)


def _capitalised(text: str) -> set[str]:
    """Return every sequence of two to four capitalised words that only white space separates."""
    text = _POSSESSIVE.sub(" | ", text)  # A name ends at its possessive.
    found: set[str] = set()
    run: list[str] = []
    end = -1
    for word in [*_WORD.finditer(text), None]:
        follows = word is not None and word[0][0].isupper() and (not run or text[end : word.start()].isspace())
        if not follows:
            found |= {" ".join(run[a:b]) for a, b in combinations(range(len(run) + 1), 2) if 2 <= b - a <= 4}
            run = []
        if word is not None and word[0][0].isupper():
            run.append(word[0])
            end = word.end()
    return found


def _records(file: str) -> list[dict[str, Any]]:
    text = files("evaluation.detection").joinpath("data", file).read_text("utf-8")
    records: list[dict[str, Any]] = json.loads(text)
    return records
