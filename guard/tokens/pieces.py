"""Pieces: many short byte strings in one buffer, such as a vocabulary's tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import overload

import numpy as np
from numpy.typing import NDArray

_WORD = 8


class Pieces(Sequence[bytes]):
    """An immutable sequence of byte strings, which are cut out of one buffer when they are read.

    A list of 131,072 `bytes` needs 7 MiB more than the bytes themselves, and arrays can be processed as a whole.

    Attributes:
        data: uint8 [bytes]; the strings one after the other.
        start: int64 [strings + 1]; where each string begins in `data`, and where the last one ends.
    """

    __slots__ = ("_buffer", "_edges", "data", "start")

    def __init__(self, data: NDArray[np.uint8], start: NDArray[np.int64]) -> None:
        # These arrays are handed out without a copy, so no caller may change them.
        self.data = np.frombuffer(data.tobytes(), np.uint8)
        self.start = start.astype(np.int64)
        self.start.setflags(write=False)
        self._buffer: bytes = self.data.base  # type: ignore[assignment]
        # The items of a memoryview are plain integers, which slice faster than NumPy's.
        self._edges = self.start.data

    @classmethod
    def of(cls, strings: Iterable[bytes]) -> Pieces:
        """Copy `strings` into one buffer."""
        if isinstance(strings, Pieces):
            return strings
        given = strings if isinstance(strings, list | tuple) else list(strings)
        start = np.zeros(len(given) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, given), np.int64, len(given)), out=start[1:])
        return cls(np.frombuffer(b"".join(given), np.uint8), start)

    def __len__(self) -> int:
        return len(self._edges) - 1

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...

    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        """Return one string, or the list of those in a slice.

        Raises:
            IndexError: As a list does.
        """
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        if index < 0:
            index += len(self)
            if index < 0:
                raise IndexError("index out of range")
        return self._buffer[self._edges[index] : self._edges[index + 1]]

    def __iter__(self) -> Iterator[bytes]:
        edges = self.start.tolist()
        return (self._buffer[low:high] for low, high in pairwise(edges))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The number of bytes of each string, int64 [strings]."""
        return np.diff(self.start)

    def without(self, byte: int) -> Pieces:
        """Return the strings without any `byte`."""
        kept = self.data != byte
        return Pieces(self.data[kept], np.append(0, np.cumsum(kept))[self.start])

    def take(self, order: NDArray[np.int64]) -> Pieces:
        """Return the strings with the indices `order`, int64 [n], in that order."""
        lengths = self.lengths[order]
        start = np.zeros(len(order) + 1, np.int64)
        np.cumsum(lengths, out=start[1:])
        return Pieces(self.data[spans(self.start[:-1][order], lengths)], start)

    def order(self) -> NDArray[np.int64]:
        """Return the indices of the strings in ascending order, int64 [strings]; equal strings keep their order.

        The strings must not contain zero bytes, because a shorter string is filled up with zeros, which sort before any byte.
        Eight bytes are compared at a time, as one integer; further bytes only where the earlier ones are equal.
        """
        order = np.argsort(self._words(np.arange(len(self)), 0), kind="stable")
        # Positions in `order` that are not settled, and which of them have equal beginnings.
        depth = 0
        open_at = np.arange(len(self))
        group = np.zeros(len(self), np.int64)
        while len(open_at):
            word = self._words(order[open_at], depth)
            fresh = np.ones(len(open_at), np.bool_)
            fresh[1:] = (word[1:] != word[:-1]) | (group[1:] != group[:-1])
            group = np.cumsum(fresh)
            sizes = np.bincount(group)
            # A group is settled when it has one member, or when its strings have ended.
            left = (sizes[group] > 1) & (self.lengths[order[open_at]] > depth + _WORD)
            left = np.bincount(group, left)[group] > 0
            open_at, group = open_at[left], group[left]
            depth += _WORD
            inner = np.lexsort((self._words(order[open_at], depth), group))
            order[open_at] = order[open_at[inner]]
        return order

    def _words(self, indices: NDArray[np.int64], depth: int) -> NDArray[np.uint64]:
        """Return the eight bytes of each string from `depth` on as one big-endian integer; zeros follow the string's end."""
        low = self.start[indices] + depth
        length = self.start[indices + 1] - low
        at = np.arange(_WORD)
        held = at < length[:, None]
        values = np.zeros((len(indices), _WORD), np.uint8)
        values[held] = self.data[(low[:, None] + at)[held]]
        return values.view(">u8")[:, 0].astype(np.uint64)


def spans(start: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return `lengths[0]` integers from `start[0]` on, then `lengths[1]` from `start[1]` on, and so on: int64 [sum(lengths)]."""
    ends = np.cumsum(lengths)
    return np.repeat(start - ends + lengths, lengths) + np.arange(ends[-1] if len(ends) else 0)
