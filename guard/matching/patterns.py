"""Patterns: phrases as sorted, distinct byte strings, from which a trie can be built."""

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

    Attributes:
        text: uint8 [bytes]; the patterns one after the other.
        start: int64 [patterns + 1]; where each pattern begins in `text`, and where the last one ends.
        open_end: float32 [patterns]; the highest penalty of the phrases that apply whatever follows, 0 if there are none.
        word_end: float32 [patterns]; the highest penalty of the phrases that apply only at the end of a word, 0 if there are
            none.
        first: int64 [patterns]; the index of the first phrase with this pattern.
    """

    text: NDArray[np.uint8]
    start: NDArray[np.int64]
    open_end: NDArray[np.float32]
    word_end: NDArray[np.float32]
    first: NDArray[np.int64]

    @classmethod
    def of(cls, phrases: Sequence[Phrase]) -> Patterns:
        """Return the patterns with which folded text is searched for `phrases`."""
        # Where a word must begin, the pattern begins with a space: folded text has exactly one before each word.
        texts = [(p.reached if p.match == "substring" else " " + p.reached).encode() for p in phrases]
        return cls._of(texts, [p.whole_word for p in phrases], [p.penalty for p in phrases], range(len(phrases)))

    @classmethod
    def compact(cls, phrases: Sequence[Phrase]) -> Patterns:
        """Return the patterns of the phrases that have a compact form: their letters and digits without spaces."""
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
