"""Patterns: phrases as sorted, distinct byte strings, ready to become a trie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress, pairwise

import numpy as np
from numpy.typing import NDArray

from guard.phrase import Phrase


@dataclass(frozen=True, eq=False)
class Patterns:
    """The distinct patterns of some phrases, in byte order.

    `text` uint8: the patterns one after the other; `start` int64 [patterns + 1]. `open_end`, `word_end` float32 [patterns]: the
    highest penalty of a phrase with this pattern, whatever follows it / where a word ends with it; 0 if there is none. `first`
    int64 [patterns]: the index of the first phrase with this pattern.
    """

    text: NDArray[np.uint8]
    start: NDArray[np.int64]
    open_end: NDArray[np.float32]
    word_end: NDArray[np.float32]
    first: NDArray[np.int64]

    @classmethod
    def of(cls, phrases: Sequence[Phrase]) -> Patterns:
        """Return the patterns in which `phrases` are looked for in folded text."""
        # A pattern begins with a space where a word must begin: folded text has exactly one before each word.
        texts = [(p.reached if p.match == "substring" else " " + p.reached).encode() for p in phrases]
        return cls._of(texts, [p.whole_word for p in phrases], [p.penalty for p in phrases], range(len(phrases)))

    @classmethod
    def compact(cls, phrases: Sequence[Phrase]) -> Patterns:
        """Return the patterns in which phrases are looked for in the letters of a text alone; those that have none are left
        out."""
        held = [(letters, k) for k, p in enumerate(phrases) if (letters := p.compact)]
        texts = [letters.encode() for letters, _ in held]
        return cls._of(texts, [True] * len(held), [phrases[k].penalty for _, k in held], [k for _, k in held])

    @classmethod
    def _of(cls, texts: Sequence[bytes], whole: Sequence[bool], penalties: Sequence[float], index: Sequence[int]) -> Patterns:
        order = np.array(sorted(range(len(texts)), key=texts.__getitem__), np.int64)
        ordered = [texts[k] for k in order.tolist()]
        if not ordered:
            empty = np.empty(0, np.float32)
            return cls(np.empty(0, np.uint8), np.zeros(1, np.int64), empty, empty, np.empty(0, np.int64))
        distinct = [True, *(a != b for a, b in pairwise(ordered))]
        group = np.flatnonzero(distinct)
        kept = list(compress(ordered, distinct))
        start = np.zeros(len(kept) + 1, np.int64)
        np.cumsum([len(text) for text in kept], out=start[1:])
        penalty, word = np.array(penalties, np.float32)[order], np.array(whole, np.bool_)[order]
        return cls(
            np.frombuffer(b"".join(kept), np.uint8),
            start,
            np.maximum.reduceat(np.where(word, np.float32(0), penalty), group),
            np.maximum.reduceat(np.where(word, penalty, np.float32(0)), group),
            np.minimum.reduceat(np.array(index, np.int64)[order], group),
        )
