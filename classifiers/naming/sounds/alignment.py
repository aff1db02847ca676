"""Alignment: finds in a text, given as phonemes, the names that sound like a part of it.

The index enters each name under the sequence of its classes of consonants, in all ways of reading that differ from the likeliest
one in at most two graphemes. It looks up each run of words of the text under its own sequence and under all sequences within one
insertion, deletion or replacement. For each name found that way, a weighted edit distance (Wagner and Fischer, JACM 21(1), 1974)
compares all its graphemes with all phonemes of the run. The time is linear in the text; the number of names only increases the
number of candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifiers.arrays import bits_of
from classifiers.naming.sounds.alignkernels import enter, nearest, search
from classifiers.naming.sounds.graphemes import GRAPHEMES, classes, costs, evidence, sound_classes

_SPACE = GRAPHEMES.index(" ")
# How much of the limit a name of few consonants is allowed, by the kind of script, and one of a single word. Written vowels
# tell too.
_SHARES = (
    {4: 0.75, 5: 0.8, 6: 0.9},
    {4: 0.6, 5: 0.7, 6: 0.85, 7: 0.95},
    {4: 0.6, 5: 0.7, 6: 0.85, 7: 0.95},
)
_LONG = 8  # from here on, all of it
_SINGLE_SHARES = {4: 0.0, 5: 0.3, 6: 0.5, 7: 0.7}
_FILTER_BITS_A_KEY = 7
_MOST_FILTER_BITS = 26


class Stream(NamedTuple):
    """A part of a text in one script.

    `sounds` are the phonemes, as indices, int8; `bounds` is int32 [bounds, 4]: place, whether a name may begin there, whether it
    may end there, number of the word.
    """

    sounds: NDArray[np.int8]
    bounds: NDArray[np.int32]
    kind: int
    limit: float
    most_words: int


class NameIndex:
    """Searches for names by their sound."""

    def __init__(self, names: Sequence[tuple[int, ...]]) -> None:
        """Index names, each given as graphemes."""
        start = np.zeros(len(names) + 1, np.int64)
        np.cumsum([len(name) for name in names], out=start[1:])
        self._letters = np.array([letter for name in names for letter in name], np.int8)
        self._start = start
        self._told = evidence()
        self._allowed = _allowed(self._letters, start, self._told)
        keys, owner = enter(self._letters, start, classes())
        order = np.argsort(keys, kind="stable")
        self._keys, self._owner = keys[order], owner[order]
        self._filter = bits_of(self._keys, min(max(len(keys), 4).bit_length() + _FILTER_BITS_A_KEY, _MOST_FILTER_BITS))
        self._sound_classes = sound_classes()
        self._costs = costs()

    def find(self, stream: Stream) -> list[tuple[int, float, int, int]]:
        """Return name, cost per consonant, and first and last place in the stream of each match."""
        if not len(self._keys):
            return []
        replaced, missing, added = self._costs
        kind = stream.kind
        found, cost = search(
            stream.sounds,
            stream.bounds,
            self._sound_classes,
            self._letters,
            self._start,
            self._allowed[:, kind],
            self._keys,
            self._owner,
            self._filter,
            replaced[kind],
            missing[kind],
            added[kind],
            self._told,
            stream.limit,
            stream.most_words,
        )
        return [(int(name), float(c), int(a), int(b)) for (name, a, b), c in zip(found.tolist(), cost.tolist(), strict=True)]


def cost_per_letter(name: tuple[int, ...], streams: Sequence[Stream], most: float) -> float:
    """Return the cost of aligning a name with the part of a text that sounds most like it, divided by the letters of the name.

    `NameIndex` decides by itself, so it needs consonants and leaves short names out. This only measures, and takes any name.

    Args:
        name: The name as graphemes.
        streams: The text.
        most: What is returned if no part costs less, or for a name without letters.
    """
    if not name:
        return most
    letters = np.array(name, np.int8)
    # A language may write one word more.
    words = name.count(_SPACE) + 2
    tables = _costs()
    least = most * len(name)
    for one in streams:
        of_kind = (table[one.kind] for table in tables)
        least = nearest(one.sounds, one.bounds, letters, *of_kind, min(words, one.most_words), least)
    return float(least) / len(name)


@lru_cache(maxsize=1)
def _costs() -> tuple[NDArray[np.float32], ...]:
    return costs()


def _allowed(letters: NDArray[np.int8], start: NDArray[np.int64], told: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how many consonants of each name count for the cost that it is allowed, float32 [names, kinds of scripts]."""

    def total(each: NDArray[Any]) -> NDArray[Any]:
        sums = np.concatenate(([0], np.cumsum(each[letters])))
        return np.asarray(sums[start[1:]] - sums[start[:-1]])

    consonants = np.minimum(total((told > 0).astype(np.int64)), _LONG)
    single = total((np.arange(len(told)) == _SPACE).astype(np.int64)) == 0
    shares = np.array([[share.get(count, 1.0) for share in _SHARES] for count in range(_LONG + 1)])[consonants]
    shares[single] = np.array([_SINGLE_SHARES.get(count, 1.0) for count in range(_LONG + 1)])[consonants[single], None]
    return np.asarray(shares * total(told.astype(np.float64))[:, None], np.float32)
