"""Nearness: how much of a fact a text says.

A mask that bans the token which completes a fact leaves most of its letters in the answer: "Sigluajörður" for Siglufjörður. The
measure is the greatest part of the fact's letters and digits that a window of the text has in order. A window is as many letters
as the fact has, and a quarter more, from the beginning of a word on. So a long text is not near everything: the letters of a fact
of 18 letters must lie within 23.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from classifiers.verifying import kernels
from guard.folding import fold

_BITS = 64


def letters_of(text: str) -> str:
    """Return the folded letters and digits of a text, closed up."""
    return fold(text).replace(" ", "")


def window(letters: int) -> int:
    """Return how many letters the window of a fact of `letters` letters has: a quarter more, rounded up."""
    return letters + -(-letters // 4)


def near(fact: str, text: str) -> float:
    """Return which part of a fact's letters, in [0, 1], a window of a text has in order; 0 for a fact without letters.

    Both are folded. The part is the length of the longest common subsequence of the fact's letters and the window's, divided by
    the number of the fact's letters. It is 1 if the text says the fact.
    """
    (found,) = Facts([fact]).nearest(Letters.of(text))
    return found.part


@dataclass(frozen=True, slots=True)
class Letters:
    """The letters of a text.

    Attributes:
        points: uint32 [letters]; the code points of its folded letters and digits.
        begins: int64 [words]; which of them begin a word.
    """

    points: NDArray[np.uint32]
    begins: NDArray[np.int64]

    @classmethod
    def of(cls, text: str) -> Letters:
        """Return the letters of a text."""
        return cls.of_words(fold(text).split())

    @classmethod
    def of_words(cls, words: Sequence[str]) -> Letters:
        """Return the letters of folded words."""
        begins = [0, *accumulate(map(len, words))]
        points = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), np.uint32)
        return cls(points, np.array(begins[:-1], np.int64))


@dataclass(frozen=True, slots=True)
class Nearest:
    """What a text says of a fact.

    Attributes:
        part: The part of the fact's letters, as in `near`.
        first, last: The letters of the text (the last exclusive) among which these are.
    """

    part: float
    first: int
    last: int


class Facts:
    """Facts, prepared to be compared with many texts at once."""

    def __init__(self, facts: Sequence[str]) -> None:
        letters = [letters_of(fact) for fact in facts]
        self.lengths = np.array([len(one) for one in letters], np.int64)
        self._windows = np.array([window(len(one)) for one in letters], np.int64)
        self._symbols = np.array(sorted({ord(letter) for one in letters for letter in one}), np.uint32)
        words = -(-max(map(len, letters), default=1) // _BITS) or 1
        self._counts = np.zeros((len(letters), len(self._symbols) + 1), np.int32)
        self._masks = np.zeros((len(letters), len(self._symbols) + 1, words), np.uint64)
        for index, one in enumerate(letters):
            for place, symbol in enumerate(np.searchsorted(self._symbols, [ord(letter) for letter in one]).tolist()):
                self._counts[index, symbol + 1] += 1
                self._masks[index, symbol + 1, place // _BITS] |= np.uint64(1 << (place % _BITS))

    def nearest(self, text: Letters, least: float = 0.0) -> list[Nearest]:
        """Return what a text says of each fact; 0 for less than the part `least` of it, which makes the search faster."""
        if not len(self._symbols) or not len(text.points):
            return [Nearest(0.0, 0, 0)] * len(self.lengths)
        at = np.minimum(np.searchsorted(self._symbols, text.points), len(self._symbols) - 1)
        symbols = np.where(self._symbols[at] == text.points, at + 1, 0).astype(np.int32)
        fewest = np.ceil(least * self.lengths - 1e-9).astype(np.int64)
        found = kernels.kept(self._masks, self._counts, fewest, self._windows, symbols, text.begins)
        parts = found[:, 0] / np.maximum(self.lengths, 1)
        return [Nearest(part, first, last) for part, (_, first, last) in zip(parts.tolist(), found.tolist(), strict=True)]
