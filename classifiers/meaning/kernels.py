"""The loop of the index, compiled by numba: from bounds to exact cosines."""

from __future__ import annotations

import numpy as np
from numba import njit

from classifiers.arrays import doubled

# The compiler may add up in another order the second time.
_ROUNDING = np.float32(1e-6)


@njit(cache=True, nogil=True, fastmath=True)
def near(partial, tails, query_tails, bound, least, vectors, queries):
    """Return the pairs whose cosine is at least `least` of their query: rows int64, columns int64, cosines float32, all [m].

    `partial` float32 [n, q]: products of the projections; `tails` float32 [n] and `query_tails` float32 [q]: lengths of what the
    projections leave out; `bound` and `least` float32 [q]: a pair is computed in full where partial product + product of the
    tails >= bound; `vectors` float32 [n, d], `queries` float32 [q, d], rows contiguous.
    """
    count = 0
    rows = np.empty(1024, np.int64)
    columns = np.empty(1024, np.int64)
    cosines = np.empty(1024, np.float32)
    for column in range(partial.shape[0]):
        tail = tails[column]
        # Without a branch inside, so that it is compiled to vector instructions; hardly a vector is near any of the queries.
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
