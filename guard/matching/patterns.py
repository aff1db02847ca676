"""Patterns: phrases as sorted, distinct byte strings, from which a trie can be built."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guard.folding import DOT, SPACE
from guard.form import Form
from guard.matching.rows import Rows
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


def rows_of(numbered: Iterable[tuple[int, Phrase]]) -> Rows:
    """Return the patterns with which folded text is searched for phrases, each given with the number of its owner."""
    return Rows.of([(text, part, phrase.penalty, owner) for owner, phrase in numbered for text, part in places(phrase)])


def whole_places(pattern: str) -> list[tuple[bytes, tuple[int, ...]]]:
    """Return the patterns that a phrase with this `Phrase.pattern` may have for all of it, each with the parts it may be."""
    found: list[tuple[bytes, tuple[int, ...]]] = [(lead + pattern.encode(), (OPEN, WORD, ENDING)) for lead in (b" ", b"")]
    if ended := _first_word_ends_sentence(pattern):
        found.append((ended.encode(), (ENDED,)))
    return found


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
    def of(cls, phrases: Sequence[Phrase]) -> Patterns:
        """Return the patterns with which folded text is searched for `phrases`."""
        return cls.of_rows(rows_of(enumerate(phrases)))

    @classmethod
    def texts(cls, texts: Sequence[bytes]) -> Patterns:
        """Return `texts` as patterns, whatever follows them, with the penalty 1."""
        return cls.of_rows(Rows.of([(text, OPEN, 1.0, index) for index, text in enumerate(texts)]))

    @classmethod
    def of_rows(cls, rows: Rows) -> Patterns:
        """Return the patterns of rows whose tags are parts and whose owners are phrases."""
        group, text, start = rows.distinct()
        if not len(group):
            return cls(text, start, np.empty((PARTS, 0), np.float32), np.empty(0, np.int64))
        nothing = np.float32(0)
        own = np.stack([np.maximum.reduceat(np.where(rows.tag == k, rows.penalty, nothing), group) for k in range(PARTS)])
        return cls(text, start, own, np.minimum.reduceat(rows.owner, group).astype(np.int64))


def _first_word_ends_sentence(pattern: str) -> str:
    """Return a substring's pattern with a sentence end behind its first word; "" if there is one or the word is too short.

    A substring may begin inside a word. How long that word is does not matter: the substring goes on behind the sentence end.
    """
    first, space, rest = pattern.partition(SPACE)
    return first + DOT + rest if space and len(first) > BRIEF and DOT not in first else ""
