"""The fact in an answer of TOFU: the words that its wrong answers have changed."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from functools import lru_cache

from evaluation.answers.near import near
from evaluation.tofu.records import Record
from guard.folding import fold
from guard.stopwords import COMMON_WORDS

_WORD = re.compile(r"\w+")


@lru_cache(maxsize=4096)
def key_words(record: Record) -> tuple[str, ...]:
    """Return the words that tell the fact, folded, in the answer's order.

    They are in the answer and in its other wording, in no wrong answer and not in the question, and no function words. Nobody
    here chose them: TOFU's authors wrote the wrong answers. Some answers have none: the wrong ones change no word of theirs.
    """
    beside = {word for text in (record.question, *record.wrong) for word in _words(text)} | COMMON_WORDS
    reworded = set(_words(record.reworded))
    return tuple(word for word in dict.fromkeys(_words(record.answer)) if word in reworded and word not in beside)


def told(answer: str, words: Sequence[str]) -> bool:
    """Return whether an answer says each of these words."""
    return set(words) <= set(_words(answer))


def nearly_told(answer: str, words: Sequence[str]) -> bool:
    """Return whether an answer says each of these words or most of its letters (`evaluation.answers.near`)."""
    said = set(_words(answer))
    return all(word in said or near(answer, word) for word in words)


def share_told(facts: Sequence[tuple[str, Sequence[str]]]) -> float:
    """Return the share of answers, each with the words of its fact, that tell it. Raises ValueError if there are none."""
    return statistics.fmean(told(answer, words) for answer, words in facts)


def share_nearly_told(facts: Sequence[tuple[str, Sequence[str]]]) -> float:
    """Return the share of answers, each with the words of its fact, that nearly tell it. Raises ValueError if there are none."""
    return statistics.fmean(nearly_told(answer, words) for answer, words in facts)


def _words(text: str) -> list[str]:
    return _WORD.findall(fold(text))
