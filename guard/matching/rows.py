"""Rows: the patterns of many owners in one sorted table, from which owners can be taken and to which others can be added.

To derive and sort the patterns of ten thousand owners takes a minute. To take one of them out, or to merge two tables, is one
pass over arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from guard.matching import rowkernels


class Row(NamedTuple):
    """One pattern of one owner.

    Attributes:
        text: The pattern.
        tag: What tells patterns with the same text apart, such as a part (`guard.matching.patterns`).
        penalty: The penalty of the phrase.
        owner: The number of the owner.
    """

    text: bytes
    tag: int
    penalty: float
    owner: int


@dataclass(frozen=True, eq=False)
class Rows:
    """A table of patterns, sorted by text, then by tag; immutable.

    Attributes:
        text: uint8 [bytes]; the patterns one after the other.
        start: int64 [rows + 1]; where each pattern begins in `text`, and where the last one ends.
        tag: int32 [rows].
        penalty: float32 [rows].
        owner: int32 [rows].
    """

    text: NDArray[np.uint8]
    start: NDArray[np.int64]
    tag: NDArray[np.int32]
    penalty: NDArray[np.float32]
    owner: NDArray[np.int32]

    @classmethod
    def of(cls, rows: Sequence[Row | tuple[bytes, int, float, int]]) -> Rows:
        """Sort rows."""
        tags = np.array([row[1] for row in rows], np.int32)
        texts = [row[0] for row in rows]
        # Both sorts are stable, so the result is sorted by text, then by tag. To compare texts alone is much faster than rows.
        order = sorted(np.argsort(tags, kind="stable").tolist(), key=texts.__getitem__)
        start = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(texts[k]) for k in order], out=start[1:])
        return cls(
            np.frombuffer(b"".join([texts[k] for k in order]), np.uint8).copy(),
            start,
            tags[order],
            np.array([row[2] for row in rows], np.float32)[order],
            np.array([row[3] for row in rows], np.int32)[order],
        )

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.tag)

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return the arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def take(self, at: NDArray[np.int64]) -> Rows:
        """Return the rows at the places `at`, int64 [n], ascending."""
        text, start = rowkernels.taken(self.text, self.start, at)
        return Rows(text, start, self.tag[at], self.penalty[at], self.owner[at])

    def of_owners(self, kept: NDArray[np.bool_]) -> Rows:
        """Return the rows of the owners that are `kept`, bool [owners], which are numbered anew in the same order."""
        found = self.take(np.flatnonzero(kept[self.owner]))
        number = np.cumsum(kept, dtype=np.int32) - np.int32(1)
        return Rows(found.text, found.start, found.tag, found.penalty, number[found.owner])

    def and_rows(self, others: Rows, shift: int = 0) -> Rows:
        """Return these rows and others together; `shift` is added to the numbers of the others' owners."""
        mine, theirs = (self.text, self.start, self.tag), (others.text, others.start, others.tag)
        order = rowkernels.merged(*mine, *theirs)
        start = np.concatenate([self.start, others.start[1:] + self.start[-1]])
        text, start = rowkernels.taken(np.concatenate([self.text, others.text]), start, order)
        tag = np.concatenate([self.tag, others.tag])[order]
        penalty = np.concatenate([self.penalty, others.penalty])[order]
        return Rows(text, start, tag, penalty, np.concatenate([self.owner, others.owner + np.int32(shift)])[order])

    def without(self, patterns: Sequence[tuple[bytes, int]]) -> Rows:
        """Return the rows that have none of some texts together with the tag given with it."""
        kept = np.ones(len(self), np.bool_)
        for text, tag in patterns:
            first, last = self._places(text)
            kept[first:last] &= self.tag[first:last] != tag
        return self.take(np.flatnonzero(kept))

    def owners_of(self, text: bytes) -> list[int]:
        """Return the owners of the rows with this text."""
        first, last = self._places(text)
        return [int(owner) for owner in self.owner[first:last]]

    def owners_inside(self, text: bytes) -> list[int]:
        """Return the owners of the rows whose texts occur in `text`, in which a space and a dot count as equal."""
        at = rowkernels.inside(self.text, self.start, np.frombuffer(text, np.uint8))
        return [int(owner) for owner in self.owner[at]]

    def distinct(self) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]:
        """Return the first row of each text, int64 [texts], and the distinct texts one after the other with their beginnings."""
        first = np.flatnonzero(rowkernels.differ(self.text, self.start))
        return first, *rowkernels.taken(self.text, self.start, first)

    def _places(self, text: bytes) -> tuple[int, int]:
        first, last = rowkernels.equal(self.text, self.start, np.frombuffer(text, np.uint8))
        return int(first), int(last)
