"""Disguises: the other readings of a text, and where in the text what they show is hidden."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from classifiers.reading.decoders import Kind
from classifiers.reading.readings import readings
from classifiers.reading.views import views

_WORD = re.compile(r"\S+")
LEAST = 4
"""The fewest letters of a phrase that a reading may show."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A text that another one may hide.

    Attributes:
        kind: How it is hidden.
        text: The text.
        folded: Whether it is folded already.
        letters: The fewest letters of a phrase that it may show.
        whole_words: Whether words begin and end in it as they do in a text.
    """

    kind: Kind
    text: str
    folded: bool
    letters: int
    whole_words: bool


def shown(text: str) -> Iterator[Shown]:
    """Yield what a text may hide. Ordinary prose hides nothing, but is also read backwards, in rot13 and by first letters."""
    for reading in readings(text):
        yield Shown(reading.kind, reading.text, False, LEAST, True)
    for view in views(text):
        yield Shown(view.kind, view.text, True, view.letters, view.whole_words)


def located(text: str, start: int, end: int, shows: Callable[[str], bool]) -> tuple[int, int]:
    """Return the words of a text that are needed to show what the part from `start` to `end` shows.

    It leaves out as many words at the beginning as it can, then at the end, by halving steps. Where leaving out a few words would
    help and leaving out more would not, the result may be longer than needed, but it always shows it.

    Args:
        text: The text.
        start, end: A part that `shows`.
        shows: Whether a part shows it.
    """
    words = [found.span() for found in _WORD.finditer(text, start, end)]
    first, last = 0, len(words)
    step = last
    while step := step // 2:
        while first + step < last and shows(text[words[first + step][0] : words[last - 1][1]]):
            first += step
    step = last - first
    while step := step // 2:
        while last - step > first and shows(text[words[first][0] : words[last - step - 1][1]]):
            last -= step
    return words[first][0], words[last - 1][1]
