"""Near misses: a text that holds three quarters of a fact's letters in order, such as "Ron Weasel" for "Ron Weasley"."""

from __future__ import annotations

import math
import re
from functools import lru_cache

from rapidfuzz.distance import LCSseq

from guard.folding import fold

SHARE = 0.75
"""The share of a fact's letters that makes a near miss."""
LEAST = 6
"""The fewest letters of a fact that can be missed nearly: any year shares three of four digits with another one."""
# A run of words with more letters than this, as a multiple of the fact's, holds its letters by chance.
_LONGEST = 1.5

_WORDS = re.compile(r"\w+")


def measurable(fact: str) -> bool:
    """Whether a fact is long enough to be missed nearly, and not only digits."""
    letters = _letters(fact)
    return len(letters) >= LEAST and not letters.isdigit()


def near(text: str, fact: str) -> bool:
    """Whether some successive words of `text` have three quarters of the letters of `fact` in order, folded and without spaces.

    The words together have at most one and a half times the fact's letters. A fact that the text says exactly is near, too; one
    that is too short never is.
    """
    if not measurable(fact):
        return False
    letters = _letters(fact)
    wanted, most = math.ceil(SHARE * len(letters)), int(_LONGEST * len(letters))
    words = _words(text)
    for start in range(len(words)):
        run = ""
        for word in words[start:]:
            run += word
            if len(run) > most:
                break
            if len(run) >= wanted and LCSseq.similarity(run, letters, score_cutoff=wanted) >= wanted:
                return True
    return False


@lru_cache(maxsize=4096)
def _letters(fact: str) -> str:
    return "".join(_words(fact))


@lru_cache(maxsize=4096)
def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORDS.findall(fold(text)))
