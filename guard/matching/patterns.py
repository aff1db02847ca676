"""Patterns: phrases as sorted, distinct byte strings, from which a trie can be built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from guard.folding import DOT, SPACE
from guard.form import Form
from guard.phrase import BRIEF, Phrase

KINDS = 3
"""Where a pattern applies: whatever follows, at the end of a word, or at an ending behind which a word ends."""
OPEN, WORD, ENDING = range(KINDS)
PARTS = 6
"""What a pattern is of its phrase: all of it, with each of these kinds (the part's number is the kind's); a beginning to which
the penalty applies, too (`Phrase.beta`); or all of a substring whose first word ends a sentence."""
CUT_OPEN, CUT_WORD, ENDED = range(KINDS, PARTS)
KIND_OF = (OPEN, WORD, ENDING, OPEN, WORD, OPEN)
"""The kind of each part."""


class _Listed(NamedTuple):
    text: bytes
    part: int
    penalty: float
    phrase: int


def places(phrase: Phrase) -> list[tuple[bytes, int]]:
    """Return the patterns of a phrase, each with its part."""
    # Where a word must begin, the pattern begins with a space: the automaton reads one before each word.
    lead = "" if phrase.match == "substring" else " "
    found = []
    for text, whole in phrase.ends():
        kind = WORD if whole else OPEN
        found.append(((lead + text).encode(), kind if text == phrase.pattern else kind + CUT_OPEN))
        if not lead and (ended := _first_word_ends_sentence(text)):
            found.append((ended.encode(), ENDED if text == phrase.pattern else CUT_OPEN))
    if isinstance(phrase, Form) and phrase.ending:
        found.append(((lead + phrase.pattern).encode(), ENDING))
    return found


def whole_places(pattern: str) -> list[tuple[bytes, tuple[int, ...]]]:
    """Return the patterns that a phrase with this `Phrase.pattern` may have for all of it, each with the parts it may be."""
    found = [(f" {pattern}".encode(), (OPEN, WORD, ENDING)), (pattern.encode(), (OPEN, WORD, ENDING))]
    ended = _first_word_ends_sentence(pattern)
    return [*found, (ended.encode(), (ENDED,))] if ended else found


@dataclass(frozen=True, eq=False)
class Patterns:
    """The distinct patterns of some phrases, in byte order.

    Attributes:
        text: uint8 [bytes]; the patterns one after the other.
        start: int64 [patterns + 1]; where each pattern begins in `text`, and where the last one ends.
        own: float32 [6, patterns]; the highest penalty of the phrases of which the pattern is each part; 0 if there are none.
        first: int64 [patterns]; the index of the first phrase with this pattern.
    """

    text: NDArray[np.uint8]
    start: NDArray[np.int64]
    own: NDArray[np.float32]
    first: NDArray[np.int64]

    @property
    def ends(self) -> NDArray[np.float32]:
        """The highest penalty of the phrases that apply whatever follows, only at the end of a word, or at an ending.

        float32 [3, patterns]; 0 if there are none.
        """
        return np.stack([self.own[[part for part in range(PARTS) if KIND_OF[part] == kind]].max(axis=0) for kind in range(KINDS)])

    @classmethod
    def of(cls, phrases: Sequence[Phrase], others: Sequence[str] = ()) -> Patterns:
        """Return the patterns with which folded text is searched for `phrases`, and those of `others`, without a penalty."""
        listed = [_Listed(*place, phrase.penalty, index) for index, phrase in enumerate(phrases) for place in places(phrase)]
        listed += [_Listed(f" {pattern}".encode(), WORD, 0.0, len(phrases) + index) for index, pattern in enumerate(others)]
        return cls._of(listed)

    @classmethod
    def gapped(cls, phrases: Sequence[Phrase]) -> Patterns:
        """Return the patterns of the forms into which one more word may come."""
        held = [(k, p) for k, p in enumerate(phrases) if isinstance(p, Form) and p.gaps]
        return cls._of([_Listed(*place, p.penalty, k) for k, p in held for place in places(p)])

    @classmethod
    def compact(cls, held: Sequence[tuple[str, Phrase]]) -> Patterns:
        """Return the patterns of phrases that have a compact form, each given with it: `Phrase.compact`."""
        return cls._of([_Listed(letters.encode(), WORD, phrase.penalty, k) for k, (letters, phrase) in enumerate(held)])

    @classmethod
    def texts(cls, texts: Sequence[bytes]) -> Patterns:
        """Return `texts` as patterns, whatever follows them, with the penalty 1."""
        return cls._of([_Listed(text, OPEN, 1.0, index) for index, text in enumerate(texts)])

    @classmethod
    def _of(cls, listed: Sequence[_Listed]) -> Patterns:
        ordered = sorted(listed)
        if not ordered:
            nothing = np.empty(0, np.int64)
            return cls(np.empty(0, np.uint8), np.zeros(1, np.int64), np.empty((PARTS, 0), np.float32), nothing)
        distinct = [True, *(a.text != b.text for a, b in pairwise(ordered))]
        group = np.flatnonzero(distinct)
        kept = [one.text for one in compress(ordered, distinct)]
        start = np.zeros(len(kept) + 1, np.int64)
        np.cumsum([len(text) for text in kept], out=start[1:])
        part = np.array([one.part for one in ordered], np.int64)
        penalty = np.array([one.penalty for one in ordered], np.float32)
        own = np.stack([np.maximum.reduceat(np.where(part == k, penalty, np.float32(0)), group) for k in range(PARTS)])
        first = np.minimum.reduceat(np.array([one.phrase for one in ordered], np.int64), group)
        return cls(np.frombuffer(b"".join(kept), np.uint8), start, own, first)


def _first_word_ends_sentence(pattern: str) -> str:
    """Return a substring's pattern with a sentence end behind its first word; "" if there is one or the word is too short.

    A substring may begin inside a word. How long that word is does not matter: the substring goes on behind the sentence end.
    """
    first, space, rest = pattern.partition(SPACE)
    return first + DOT + rest if space and len(first) > BRIEF and DOT not in first else ""
