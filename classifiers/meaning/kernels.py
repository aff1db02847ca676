"""The compiled loop of the index: it computes exact cosines of the pairs that the bound does not discard."""

from __future__ import annotations

import numpy as np
from numba import njit

from classifiers.arrays import doubled

# The compiler may add in another order the second time.
_ROUNDING = np.float32(1e-6)


@njit(cache=True, nogil=True, fastmath=True)
def near(partial, tails, query_tails, bound, least, vectors, queries):
    """Find the pairs of a vector and a query with at least the required cosine.

    Args:
        partial: float32 [n, q], products of the projections.
        tails: float32 [n], the lengths of the remainders of the vectors.
        query_tails: float32 [q], the lengths of the remainders of the queries.
        bound: float32 [q]. A pair is computed in full if its partial product plus the product of its tails reaches it.
        least: float32 [q], the required cosine of each query.
        vectors: float32 [n, d], rows contiguous.
        queries: float32 [q, d], rows contiguous.

    Returns:
        Rows of `queries`, int64 [m], rows of `vectors`, int64 [m], and cosines, float32 [m], in ascending order of vectors.
    """
    count = 0
    rows = np.empty(1024, np.int64)
    columns = np.empty(1024, np.int64)
    cosines = np.empty(1024, np.float32)
    for column in range(partial.shape[0]):
        tail = tails[column]
        # Few vectors are near any query. This loop has no branch, so that it is compiled to vector instructions.
        highest = np.float32(-4)
        for row in range(partial.shape[1]):
            highest = max(highest, partial[column, row] + tail * query_tails[row] - bound[row])
        if highest < -_ROUNDING:
            continue
        for row in range(partial.shape[1]):
            if partial[column, row] + tail * query_tails[row] - bound[row] < -_ROUNDING:
                continue
            cosine = np.float32(0)
            for k in range(vectors.shape[1]):
                cosine += vectors[column, k] * queries[row, k]
            if cosine < least[row]:
                continue
            if count == len(rows):
                rows, columns, cosines = doubled(rows), doubled(columns), doubled(cosines)
            rows[count], columns[count], cosines[count] = row, column, cosine
            count += 1
    return rows[:count].copy(), columns[:count].copy(), cosines[:count].copy()
