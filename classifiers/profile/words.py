"""Words: which words of a text carry information, and how much.

A word that is rare in all languages tells more about who or what is meant than a common one. Its information is its distance from
a common word on the Zipf scale of wordfreq (Speer, doi:10.5281/zenodo.7199437), which is a logarithm as the inverse document
frequency is (Spärck Jones 1972).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from guard.folding import DOT, SPACE, fold
from guard.frequency import zipf
from guard.stopwords import COMMON_WORDS

# The Zipf value from which on a word tells nothing, and the distance below it at which it tells all that a word can.
_COMMON, _RANGE = 6.0, 3.5
_SHORTEST = 3
_ENDINGS = ("ings", "ing", "ions", "ion", "ers", "er", "edly", "ed", "ies", "es", "ly", "s", "e")
_STEM = 3
_POSSESSIVE = re.compile(r"['\u2019]s\b")


def words_of(text: str) -> list[str]:
    """Return the folded words of a text in order."""
    return fold(_POSSESSIVE.sub("", text)).replace(DOT, SPACE).split()


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Return a folded word without a frequent English ending, if at least three letters are left.

    "forging" and "forge" have the same stem, and so do "swapping" and "swap".
    """
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _STEM:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > _STEM and word[-1] == word[-2] else word


@lru_cache(maxsize=1 << 16)
def information(word: str) -> float:
    """Return how much a folded word tells, in [0, 1]: 0 for a function word, a frequent one, or one of one or two letters.

    A script without spaces folds to words of one letter, so texts in it tell nothing here.
    """
    if len(word) < _SHORTEST or word in COMMON_WORDS:
        return 0.0
    return min(1.0, max(0.0, (_COMMON - zipf(word)) / _RANGE))


def informative(texts: Iterable[str]) -> dict[str, float]:
    """Return the stems of the words of texts that tell something, each with its information."""
    found: dict[str, float] = {}
    for text in texts:
        for word in words_of(text):
            if told := information(word):
                found[stem(word)] = max(told, found.get(stem(word), 0.0))
    return found


def shared(words: Iterable[str], known: Mapping[str, float]) -> float:
    """Return the information of the stems that are in `known`."""
    return sum(known.get(word, 0.0) for word in words)
