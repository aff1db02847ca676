"""Exact search among unit vectors: which of them have at least a given cosine with a query.

Multiplying a query with every vector reads all vectors from memory: 307 MB for 200,000 vectors of 384 values. The index reads
only a sixth of that in a first pass. It projects vectors and queries on the few orthonormal directions that preserve most of the
squared length of a sample (principal component analysis without centring, Hotelling 1933). The rest of a cosine is at most the
product of the lengths of the two remainders (the Cauchy-Schwarz inequality). So a pair is discarded if the product of its
projections plus this bound is below the required cosine, and only the few other pairs are computed in full. The result is that of
brute force.
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
"""Directions in the first pass. For TOFU's questions (all-MiniLM-L6-v2), 64 of 384 preserve two thirds of the squared length."""

# The total number of values in the vectors up to which one plain product is faster than two passes.
_SMALL = 2_000_000
# The number of vectors from which the directions are computed.
_SAMPLE = 8192
# The most products computed at a time, 0.8 MB in float32, so that they are still in the CPU cache when they are compared; and the
# most vectors.
_TILE, _ROWS = 200_000, 1 << 15
# A new block has room for at least this many vectors, and for an eighth of all vectors before it, so that there are few blocks.
_ROOM = 4096
# One pair in `_EVERY` is checked first. If the share of pairs that must be computed in full exceeds `_MANY`, the whole tile is.
_EVERY, _MANY = 64, 0.04
# More than the rounding error of a product of unit vectors in float32. A pair this close to the bound is computed in full.
_TOLERANCE = 1e-5


@dataclass(frozen=True)
class _Block:
    """An array of vectors that several indices share. `used` only grows, and rows before it never change.

    `vectors` float32 [capacity, d]; `heads` float32 [capacity, HEAD], their projections; `tails` float32 [capacity], the lengths
    of the remainders.
    """

    vectors: Vectors
    heads: Vectors
    tails: Vectors
    used: list[int]
    lock: threading.Lock


class ExampleIndex:
    """Finds the vectors that are near enough to a query (`above`), and the nearest one (`best`). Immutable; safe for threads.

    Memory: 4 d + 4 * 64 + 4 bytes per vector (1.8 kB at 384 dimensions, 360 MB for 200,000 vectors), of which the first 4 d are
    the array of the caller; plus at most an eighth if vectors were added. A search takes 1 MB and the result.
    """

    def __init__(self, vectors: Vectors) -> None:
        """Index vectors.

        Args:
            vectors: float32 [n, d], rows of length one (or zero). The array must not be changed afterwards.

        Raises:
            ValueError: The array has another shape or type, or a row is longer than one, so that the bound would not hold.
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
        """The number of values of a vector, d."""
        return int(self._axes.shape[0])

    def extended(self, vectors: Vectors) -> ExampleIndex:
        """Return an index of these vectors followed by `vectors`, float32 [m, d]. This index does not change.

        The two indices share the old vectors, so the average cost is that of the new ones. When the index has grown fourfold, the
        directions are computed anew, which reads every vector once.

        Raises:
            ValueError: As in the constructor, or `vectors` have another dimension.
        """
        _check(vectors)
        if vectors.shape[1] != self.dimension:
            raise ValueError(f"the vectors have {vectors.shape[1]} numbers each, those of the index {self.dimension}")
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
        """Return an index of the vectors for which `mask`, bool [n], is true, in the same order. It does not hold the others."""
        return ExampleIndex(np.concatenate([block.vectors[:size] for block, size in self._parts()])[mask])

    def above(self, queries: Vectors, least: Vectors) -> tuple[Integers, Integers, Vectors]:
        """Find every pair of a query and a vector with at least the required cosine.

        Args:
            queries: float32 [q, d], rows of length one.
            least: float32 [q], the required cosine of each query. Cosines are computed in float32, so whether a pair within 1e-6
                of it is found depends on rounding.

        Returns:
            For each pair, in no particular order, the row of `queries`, int64 [m], the number of the vector, int64 [m], and the
            cosine, float32 [m].

        Raises:
            ValueError: The shapes do not match.
        """
        queries, least = self._asked(queries), np.ascontiguousarray(least, np.float32)
        if least.shape != (len(queries),):
            raise ValueError(f"there are {len(queries)} queries, but least has the shape {least.shape}")
        found = [part for part in self._near(queries, least) if len(part[0])]
        if not found:
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32)
        rows, columns, cosines = zip(*found, strict=True)
        return np.concatenate(rows), np.concatenate(columns), np.concatenate(cosines)

    def best(self, queries: Vectors, excluded: NDArray[np.bool_] | None = None) -> tuple[Vectors, Integers]:
        """Find the nearest vector of each query; of equally near ones the first.

        Args:
            queries: float32 [q, d], rows of length one.
            excluded: bool [n], true for vectors that do not count.

        Returns:
            Cosines, float32 [q], and the numbers of the vectors, int64 [q]; both are -1 if no vector counts.

        Raises:
            ValueError: The shapes do not match.
        """
        queries = self._asked(queries)
        if excluded is not None and excluded.shape != (len(self),):
            raise ValueError(f"there are {len(self)} vectors, but excluded has the shape {excluded.shape}")
        if len(self) * self.dimension <= _SMALL:
            return self._best_of_few(queries, excluded)
        cosines = np.full(len(queries), -1.0, np.float32)
        columns = np.full(len(queries), -1, np.int64)
        # The cosine of any vector is a lower bound of the best one; that of the best partial product is a tight bound.
        least = self._guess(queries, excluded)
        for rows, found, values in self._near(queries, least):
            if excluded is not None:
                kept = ~excluded[found]
                rows, found, values = rows[kept], found[kept], values[kept]
            order = np.lexsort((found, -values, rows))
            rows, first = np.unique(rows[order], return_index=True)
            values, found = values[order][first], found[order][first]
            better = values > cosines[rows]
            # The best cosine itself may be -1.
            better |= columns[rows] < 0
            cosines[rows[better]], columns[rows[better]] = values[better], found[better]
        return cosines, columns

    def _best_of_few(self, queries: Vectors, excluded: NDArray[np.bool_] | None) -> tuple[Vectors, Integers]:
        """Do what `best` does by all products."""
        cosines = np.full(len(queries), -np.inf, np.float32)
        columns = np.full(len(queries), -1, np.int64)
        everyone = np.arange(len(queries))
        for start, block, first, last in self._tiles(len(queries)):
            products = block.vectors[first:last] @ np.ascontiguousarray(queries.T)
            if excluded is not None:
                products[excluded[start : start + last - first]] = -np.inf
            at = products.argmax(axis=0)
            found = products[at, everyone]
            better = found > cosines
            cosines[better], columns[better] = found[better], start + at[better]
        return np.where(columns < 0, np.float32(-1.0), cosines), columns

    def _guess(self, queries: Vectors, excluded: NDArray[np.bool_] | None) -> Vectors:
        """Return a lower bound of each query's best cosine, float32 [q]: the cosine of some vector, or less than any cosine."""
        least = np.full(len(queries), -2.0, np.float32)
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
        return least - np.float32(_TOLERANCE)

    def _near(self, queries: Vectors, least: Vectors) -> Iterator[tuple[Integers, Integers, Vectors]]:
        """Yield rows, numbers and cosines of the pairs that `above` returns, for one tile of vectors after the other."""
        if not len(queries):
            return
        if len(self) * self.dimension <= _SMALL:
            for start, block, first, last in self._tiles(len(queries)):
                rows, columns, cosines = _product(block.vectors[first:last], queries, least)
                yield rows, columns + start, cosines
            return
        heads = queries @ self._axes
        tails = _lengths(np.subtract(queries, heads @ self._axes.T))
        # With this memory order BLAS need not rearrange the larger matrix: three times as fast for a few queries.
        heads = np.ascontiguousarray(heads.T)
        bound = least - np.float32(_TOLERANCE)
        for start, block, first, last in self._tiles(len(queries)):
            part = slice(first, last)
            partial = block.heads[part] @ heads
            vectors, rest = block.vectors[part], block.tails[part]
            # If the required cosine is low, the bound discards hardly any pair.
            if (partial[::_EVERY] + np.outer(rest[::_EVERY], tails) >= bound).mean() > _MANY:
                rows, columns, cosines = _product(vectors, queries, least)
            else:
                rows, columns, cosines = near(partial, rest, tails, bound, least, vectors, queries)
            yield rows, columns + start, cosines

    def _tiles(self, queries: int) -> Iterator[tuple[int, _Block, int, int]]:
        """Yield for each tile the number of its first vector, its block, and its first and last row (exclusive) in the block."""
        step = max(1, min(_ROWS, _TILE // max(1, queries)))
        for start, (block, size) in zip(accumulate(self._sizes, initial=0), self._parts(), strict=False):
            for first in range(0, size, step):
                yield start + first, block, first, min(first + step, size)

    def _parts(self) -> Iterator[tuple[_Block, int]]:
        return zip(self._blocks, self._sizes, strict=True)

    def _fill_last(self, vectors: Vectors) -> bool:
        """Write `vectors` after the last one; return False if there is no room or another index has written there."""
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
        """Return the projections, float32 [n, HEAD], and the lengths of the remainders, float32 [n]."""
        heads = np.empty((len(vectors), self._axes.shape[1]), np.float32)
        tails = np.empty(len(vectors), np.float32)
        for at in range(0, len(vectors), _SAMPLE):
            part = slice(at, at + _SAMPLE)
            heads[part] = vectors[part] @ self._axes
            tails[part] = _lengths(vectors[part] - heads[part] @ self._axes.T)
        return heads, tails

    def _asked(self, queries: Vectors) -> Vectors:
        if queries.ndim != 2 or queries.shape[1] != self.dimension:
            raise ValueError(f"queries have the shape {queries.shape}, but must be [q, {self.dimension}]")
        return np.ascontiguousarray(queries, np.float32)


def _product(vectors: Vectors, queries: Vectors, least: Vectors) -> tuple[Integers, Integers, Vectors]:
    products = vectors @ np.ascontiguousarray(queries.T)
    columns, rows = np.nonzero(products >= least)
    return rows, columns, products[columns, rows]


def _check(vectors: Vectors) -> None:
    if vectors.ndim != 2 or vectors.dtype != np.float32:
        raise ValueError(f"vectors are {vectors.dtype} {vectors.shape}, but must be float32 [n, d]")
    # Not `> 1`, so that NaN is refused too.
    if not (_lengths(vectors) <= 1 + _TOLERANCE).all():
        raise ValueError("a vector is longer than one")


def _axes(vectors: Vectors) -> Vectors:
    """Return the directions of the first pass, float32 [d, min(d, HEAD)], orthonormal columns."""
    if not len(vectors):
        return np.eye(vectors.shape[1], HEAD, dtype=np.float32)
    sample = vectors[:: max(1, len(vectors) // _SAMPLE)].astype(np.float64)
    # In ascending order of the squared length that a direction preserves.
    _, directions = np.linalg.eigh(sample.T @ sample)
    return np.ascontiguousarray(directions[:, ::-1][:, :HEAD], np.float32)


def _lengths(vectors: Vectors) -> Vectors:
    lengths: Vectors = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return lengths


def _with_room(rows: Any, room: int) -> Any:
    """Return an array of `room` rows that begins with `rows`; the others are not set, so their memory is not used yet."""
    wide = np.empty((room, *rows.shape[1:]), rows.dtype)
    wide[: len(rows)] = rows
    return wide
