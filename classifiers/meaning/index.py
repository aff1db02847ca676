"""Exact search among unit vectors: which of them are as near to a query as is asked for.

A product with every vector moves all of them through memory: 307 MB for 200,000 of 384 numbers. Here a first pass reads a sixth:
vectors and queries are projected on the few orthonormal directions that hold most of a sample's length (principal component
analysis without centring, Hotelling 1933). What the projections leave out adds at most the product of the lengths of the
remainders to a cosine (Cauchy and Schwarz). So a pair whose partial product, plus that bound, stays below what is asked is
certainly none, and the few others are computed in full: the answer is that of brute force, only sooner.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers.meaning.kernels import near

Vectors = NDArray[np.float32]
Integers = NDArray[np.int64]

HEAD = 64
"""Directions in the first pass. Of TOFU's questions (all-MiniLM-L6-v2) 64 of 384 hold two thirds of the squared length."""

# Below so many numbers a plain product is done before the two passes have begun.
_SMALL = 2_000_000
# Vectors that the directions are computed from.
_SAMPLE = 8192
# Products held at a time, float32: 0.8 MB, so that they are still in the cache when they are looked at; and vectors at a time.
_TILE, _ROWS = 200_000, 1 << 15
# A new block has room for at least so many vectors, and for an eighth of all before it: few blocks, whatever is added how.
_ROOM = 4096
# One in so many pairs is looked at first; where more than that share must be computed in full, all of the tile are.
_EVERY, _MANY = 64, 0.04
# Above the rounding of a product of unit vectors in float32; a pair within it of the bound is computed in full.
_SLACK = 1e-5


@dataclass(frozen=True)
class _Block:
    """Vectors in memory that later indices share. `used` only grows; what lies before it never changes.

    `vectors` float32 [capacity, d]; `heads` float32 [capacity, HEAD]; `tails` float32 [capacity], lengths of the remainders.
    """

    vectors: Vectors
    heads: Vectors
    tails: Vectors
    used: list[int]
    lock: threading.Lock


class ExampleIndex:
    """Unit vectors and two questions: which are near enough, and which is nearest. It never changes; safe for threads.

    Memory: 4 d + 4 * 64 + 4 bytes a vector (1.8 kB at 384 dimensions, 360 MB for 200,000), of which the first 4 d are the
    caller's own array; plus at most an eighth where vectors were added. While a question is answered: 1 MB, and the answer.
    """

    def __init__(self, vectors: Vectors) -> None:
        """Take `vectors`, float32 [n, d], rows of length one (or zero), which must not be changed afterwards.

        Raises ValueError for another shape or number type and for rows longer than one: the bound would not hold.
        """
        _check(vectors)
        vectors = np.ascontiguousarray(vectors)
        self._axes = _axes(vectors)
        heads, tails = self._projected(vectors)
        self._blocks: tuple[_Block, ...] = (_Block(vectors, heads, tails, [len(vectors)], threading.Lock()),)
        self._sizes: tuple[int, ...] = (len(vectors),)
        self._fitted = len(vectors)

    def __len__(self) -> int:
        """The number of vectors."""
        return sum(self._sizes)

    @property
    def dimension(self) -> int:
        """The length of a vector, d."""
        return int(self._axes.shape[0])

    def extended(self, vectors: Vectors) -> ExampleIndex:
        """Return an index of these vectors and, after them, `vectors`, float32 [m, d]. This one stays as it is.

        What is there already is shared, not copied or computed again: the cost is that of the new ones, on average. The
        directions are computed anew when the index has grown fourfold, which reads every vector once.

        Raises ValueError as the constructor does, and for another d.
        """
        _check(vectors)
        if vectors.shape[1] != self.dimension:
            raise ValueError(f"vectors of {vectors.shape[1]} numbers, the index has {self.dimension}")
        total = len(self) + len(vectors)
        if total * self.dimension > _SMALL and total > 4 * self._fitted:
            return ExampleIndex(np.concatenate([*(block.vectors[:size] for block, size in self._parts()), vectors]))
        new: ExampleIndex = object.__new__(ExampleIndex)
        new._axes, new._fitted = self._axes, self._fitted
        new._blocks, new._sizes = self._blocks, self._sizes
        if len(vectors) and not new._fill_last(vectors):
            heads, tails = self._projected(vectors)
            room = max(_ROOM, len(self) // 8, len(vectors))
            block = _Block(
                _with_room(vectors, room), _with_room(heads, room), _with_room(tails, room), [len(vectors)], threading.Lock()
            )
            new._blocks, new._sizes = (*self._blocks, block), (*self._sizes, len(vectors))
        return new

    def kept(self, mask: NDArray[np.bool_]) -> ExampleIndex:
        """Return an index of the vectors where `mask`, bool [n], is true, in the same order; nothing of the others is held."""
        return ExampleIndex(np.concatenate([block.vectors[:size] for block, size in self._parts()])[mask])

    def above(self, queries: Vectors, least: Vectors) -> tuple[Integers, Integers, Vectors]:
        """Return every pair whose cosine is at least `least` of its query.

        `queries` float32 [q, d], rows of length one; `least` float32 [q]. The answer: row of `queries` int64 [m], vector's number
        int64 [m], cosine float32 [m]; in no particular order. Cosines are those of float32, so a pair within 1e-6 of `least` may
        fall on either side.

        Raises ValueError for shapes that do not fit.
        """
        queries, least = self._asked(queries), np.ascontiguousarray(least, np.float32)
        if least.shape != (len(queries),):
            raise ValueError(f"{len(queries)} queries, least has the shape {least.shape}")
        found = [part for part in self._near(queries, least) if len(part[0])]
        if not found:
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32)
        rows, columns, cosines = zip(*found, strict=True)
        return np.concatenate(rows), np.concatenate(columns), np.concatenate(cosines)

    def best(self, queries: Vectors, excluded: NDArray[np.bool_] | None = None) -> tuple[Vectors, Integers]:
        """Return each query's nearest vector: cosines float32 [q] and numbers int64 [q]; of equal ones the first.

        Vectors for which `excluded`, bool [n], is true do not count. Where none is left: cosine -1 and number -1.

        Raises ValueError for shapes that do not fit.
        """
        queries = self._asked(queries)
        if excluded is not None and excluded.shape != (len(self),):
            raise ValueError(f"{len(self)} vectors, excluded has the shape {excluded.shape}")
        cosines = np.full(len(queries), -1.0, np.float32)
        columns = np.full(len(queries), -1, np.int64)
        # Any vector's cosine is a lower bound of the best; that of the best partial product is a close one.
        least = self._guess(queries, excluded)
        for rows, found, values in self._near(queries, least):
            if excluded is not None:
                kept = ~excluded[found]
                rows, found, values = rows[kept], found[kept], values[kept]
            order = np.lexsort((found, -values, rows))
            rows, first = np.unique(rows[order], return_index=True)
            values, found = values[order][first], found[order][first]
            better = values > cosines[rows]
            # A cosine may be -1 itself.
            better |= columns[rows] < 0
            cosines[rows[better]], columns[rows[better]] = values[better], found[better]
        return cosines, columns

    def _guess(self, queries: Vectors, excluded: NDArray[np.bool_] | None) -> Vectors:
        """Return a lower bound of each query's best cosine, float32 [q], that is the cosine of some vector, or below all."""
        least = np.full(len(queries), -2.0, np.float32)
        if len(self) * self.dimension <= _SMALL:
            return least
        heads = np.ascontiguousarray((queries @ self._axes).T)
        everyone = np.arange(len(queries))
        for start, block, first, last in self._tiles(len(queries)):
            partial = block.heads[first:last] @ heads
            if excluded is not None:
                partial[excluded[start : start + last - first]] = -np.inf
            at = partial.argmax(axis=0)
            exact = np.einsum("ij,ij->i", block.vectors[first + at], queries)
            exact[np.isneginf(partial[at, everyone])] = -2.0
            np.maximum(least, exact, out=least)
        return least - np.float32(_SLACK)

    def _near(self, queries: Vectors, least: Vectors) -> Iterator[tuple[Integers, Integers, Vectors]]:
        """Yield rows, numbers and cosines of the pairs that `above` returns, a tile of vectors after the other."""
        if not len(queries):
            return
        if len(self) * self.dimension <= _SMALL:
            for start, block, first, last in self._tiles(len(queries)):
                rows, columns, cosines = _product(block.vectors[first:last], queries, least)
                yield rows, columns + start, cosines
            return
        heads = queries @ self._axes
        tails = _lengths(np.subtract(queries, heads @ self._axes.T))
        # In this order BLAS need not rearrange the larger matrix: for a few queries three times as fast.
        heads = np.ascontiguousarray(heads.T)
        bound = least - np.float32(_SLACK)
        for start, block, first, last in self._tiles(len(queries)):
            part = slice(first, last)
            partial = block.heads[part] @ heads
            vectors, rest = block.vectors[part], block.tails[part]
            # What is asked may be so little that the bound rules hardly anything out.
            if (partial[::_EVERY] + np.outer(rest[::_EVERY], tails) >= bound).mean() > _MANY:
                rows, columns, cosines = _product(vectors, queries, least)
            else:
                rows, columns, cosines = near(partial, rest, tails, bound, least, vectors, queries)
            yield rows, columns + start, cosines

    def _tiles(self, queries: int) -> Iterator[tuple[int, _Block, int, int]]:
        """Yield the number of a tile's first vector, its block, and where in the block it begins and ends."""
        step = max(1, min(_ROWS, _TILE // max(1, queries)))
        for start, (block, size) in zip(accumulate(self._sizes, initial=0), self._parts(), strict=False):
            for first in range(0, size, step):
                yield start + first, block, first, min(first + step, size)

    def _parts(self) -> Iterator[tuple[_Block, int]]:
        return zip(self._blocks, self._sizes, strict=True)

    def _fill_last(self, vectors: Vectors) -> bool:
        """Write `vectors` behind this index's last one; False if there is no room, or another index has written there."""
        block, size = self._blocks[-1], self._sizes[-1]
        end = size + len(vectors)
        with block.lock:
            if block.used[0] != size or end > len(block.vectors):
                return False
            block.used[0] = end
        block.vectors[size:end] = vectors
        block.heads[size:end], block.tails[size:end] = self._projected(vectors)
        self._sizes = (*self._sizes[:-1], end)
        return True

    def _projected(self, vectors: Vectors) -> tuple[Vectors, Vectors]:
        """Return the projections, float32 [n, HEAD], and the lengths of what they leave out, float32 [n]."""
        heads = np.empty((len(vectors), self._axes.shape[1]), np.float32)
        tails = np.empty(len(vectors), np.float32)
        for at in range(0, len(vectors), _SAMPLE):
            part = slice(at, at + _SAMPLE)
            heads[part] = vectors[part] @ self._axes
            tails[part] = _lengths(vectors[part] - heads[part] @ self._axes.T)
        return heads, tails

    def _asked(self, queries: Vectors) -> Vectors:
        if queries.ndim != 2 or queries.shape[1] != self.dimension:
            raise ValueError(f"queries have the shape {queries.shape}, vectors have {self.dimension} numbers")
        return np.ascontiguousarray(queries, np.float32)


def _product(vectors: Vectors, queries: Vectors, least: Vectors) -> tuple[Integers, Integers, Vectors]:
    products = vectors @ np.ascontiguousarray(queries.T)
    columns, rows = np.nonzero(products >= least)
    return rows, columns, products[columns, rows]


def _check(vectors: Vectors) -> None:
    if vectors.ndim != 2 or vectors.dtype != np.float32:
        raise ValueError(f"vectors are {vectors.dtype} {vectors.shape}, must be float32 [n, d]")
    # Written so that what is not a number is refused too.
    if not (_lengths(vectors) <= 1 + _SLACK).all():
        raise ValueError("a vector is longer than one")


def _axes(vectors: Vectors) -> Vectors:
    """Return the directions of the first pass, float32 [d, min(d, HEAD)], orthonormal columns."""
    if not len(vectors):
        return np.eye(vectors.shape[1], HEAD, dtype=np.float32)
    sample = vectors[:: max(1, len(vectors) // _SAMPLE)].astype(np.float64)
    # In ascending order of the length that a direction holds.
    _, directions = np.linalg.eigh(sample.T @ sample)
    return np.ascontiguousarray(directions[:, ::-1][:, :HEAD], np.float32)


def _lengths(vectors: Vectors) -> Vectors:
    lengths: Vectors = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return lengths


def _with_room(rows: Any, room: int) -> Any:
    """Return an array of at least `room` rows that begins with `rows`; memory behind them is not touched before it is used."""
    wide = np.empty((room, *rows.shape[1:]), rows.dtype)
    wide[: len(rows)] = rows
    return wide
