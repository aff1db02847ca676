"""The words of a text, folded, and where they are in it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from guard.folding import fold

# As a token of a name: an apostrophe or hyphen divides it, as folding does. Marks and zero-width characters do not.
_RUN = re.compile(r"[^\s!-/:-@\[-`{-~\u2010-\u2027\u00ab\u00bb]+")


class Word(NamedTuple):
    """One folded word of a text.

    Attributes:
        text: Its folded letters and digits.
        start, end: The run of characters in the text that it is in.
        capital: Whether that run begins with a capital.
    """

    text: str
    start: int
    end: int
    capital: bool


def words_of(text: str) -> list[Word]:
    """Return the words of a text, in order; all count as capitalised if none is. The time is linear in the text."""
    words = [Word(word, run.start(), run.end(), capital) for run in _RUN.finditer(text) for word, capital in _folded(run[0])]
    # Who writes everything in small letters writes names so, too.
    return words if any(word.capital for word in words) else [word._replace(capital=True) for word in words]


@lru_cache(maxsize=65_536)
def _folded(run: str) -> tuple[tuple[str, bool], ...]:
    """Return the folded words of a run of characters, each with whether the run begins with a capital."""
    return tuple((word, run[0].isupper()) for word in fold(run).split())
