"""Likeness: whether a word is nearly another one, as a mask leaves it.

A mask bans the token that completes a word. What is said instead keeps the word's beginning ("Hogwitch" for Hogwarts) or the
letters on both sides of a slip ("Sigluajörður" for Siglufjörður).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import islice

from guard.forms.endings import endings_for
from guard.frequency import english_words, ordinary, ordinary_from
from guard.stopwords import COMMON_WORDS

SHORTEST = 5
"""The fewest letters of a word that another one may be like."""
# The fewest letters of a word with which one, two and three errors are allowed.
_ERRORS = (5, 8, 12)
# The fewest letters that must be the same at the beginning, and the part that must be kept in order.
_LEAST_BEGUN = 4
_LEAST_KEPT = 0.6
# How many letters longer or shorter it may be.
_LONGER = 5
# How many ordinary words may begin with the letters that tell what is meant.
_FEW = 8


def errors(letters: int) -> int:
    """Return how many errors a word of `letters` letters may have."""
    return sum(letters >= least for least in _ERRORS)


def begun(word: str, meant: str) -> int:
    """Return how many letters of `meant` a word begins with."""
    shorter = min(len(word), len(meant))
    return next((at for at in range(shorter) if word[at] != meant[at]), shorter)


@lru_cache(maxsize=65_536)
def is_slip(word: str, meant: str) -> bool:
    """Return whether a folded word is `meant`, a word that it is not, with a few errors.

    It begins with the same letter and has at most one error, two if there are 8 letters, three if there are 12. An error is a
    wrong, missing or additional letter, or two neighbouring ones exchanged. An ending is no error.
    """
    from rapidfuzz.distance import OSA

    most = errors(len(meant))
    if not most or is_form(word, meant) or word[:1] != meant[:1] or abs(len(word) - len(meant)) > most:
        return False
    return OSA.distance(word, meant, score_cutoff=most) <= most


@lru_cache(maxsize=65_536)
def is_begun(word: str, meant: str) -> bool:
    """Return whether a folded word begins as `meant`, a word that it is not, and goes on in another way.

    It begins with half of the letters or more, four at least, and has three fifths of them in order.
    """
    from rapidfuzz.distance import LCSseq

    if is_form(word, meant) or abs(len(word) - len(meant)) > _LONGER:
        return False
    if begun(word, meant) < max(_LEAST_BEGUN, -(-len(meant) // 2)):
        return False
    return LCSseq.similarity(word, meant) >= _LEAST_KEPT * len(meant)


@lru_cache(maxsize=65_536)
def lacks_or_repeats(word: str, meant: str) -> bool:
    """Return whether a folded word is `meant`, a word of five letters or more, with one letter missing or one more."""
    from rapidfuzz.distance import LCSseq

    return (
        len(meant) >= _ERRORS[0]
        and not is_form(word, meant)
        and abs(len(word) - len(meant)) == 1
        and LCSseq.similarity(word, meant) == min(len(word), len(meant))
    )


@lru_cache(maxsize=65_536)
def is_telling(word: str, meant: str) -> bool:
    """Return whether the letters with which both words begin tell what is meant: few ordinary words begin with them.

    "Hogwitch" tells of Hogwarts, but "Hallward" does not tell of Hallgeir.
    """
    common = islice(ordinary_from(word[: begun(word, meant)]), _FEW + 1)
    return sum(1 for _ in common) <= _FEW


def is_form(word: str, stem: str) -> bool:
    """Return whether a folded word is another one, with an ending or none."""
    return word == stem or (word.startswith(stem) and word[len(stem) :] in endings_for(stem))


@lru_cache(maxsize=65_536)
def is_known(word: str) -> bool:
    """Return whether a folded word is correctly spelled: an ordinary word or well-known name of fifteen languages."""
    return word in COMMON_WORDS or ordinary(word) or word in english_words()
