"""The compiled loop finds the pairs that a plain product finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.meaning.encoder import Vectors, unit_rows
from classifiers.meaning.kernels import near

# More than rounding in float32.
TOLERANCE = 1e-5


def reference(vectors: Vectors, queries: Vectors, least: Vectors, shift: float) -> set[tuple[int, int]]:
    """Return the pairs (query, vector) with a cosine of at least `least` + `shift`, each product computed by itself."""
    return {
        (row, column)
        for row, query in enumerate(queries)
        for column, vector in enumerate(vectors)
        if float(np.dot(query.astype(np.float64), vector.astype(np.float64))) >= least[row] + shift
    }


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(0, 80),
    asked=st.integers(1, 5),
    dimension=st.integers(2, 20),
    head=st.integers(1, 20),
    least=st.lists(st.floats(-1, 1, width=32), min_size=5, max_size=5),
)
def test_pairs_are_those_of_a_plain_product(
    seed: int, count: int, asked: int, dimension: int, head: int, least: list[float]
) -> None:
    rng = np.random.default_rng(seed)
    vectors = unit_rows(rng.normal(size=(count, dimension)).astype(np.float32))
    queries = unit_rows(rng.normal(size=(asked, dimension)).astype(np.float32))
    wanted = np.array(least[:asked], np.float32)
    # Any orthonormal directions do: the first coordinates.
    head = min(head, dimension)
    partial = vectors[:, :head] @ np.ascontiguousarray(queries[:, :head].T)
    tails, query_tails = (np.linalg.norm(array[:, head:], axis=1).astype(np.float32) for array in (vectors, queries))
    rows, columns, cosines = near(partial, tails, query_tails, wanted - np.float32(TOLERANCE), wanted, vectors, queries)
    assert (rows.dtype, columns.dtype, cosines.dtype) == (np.int64, np.int64, np.float32)
    pairs = list(zip(rows.tolist(), columns.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    assert reference(vectors, queries, wanted, TOLERANCE) <= set(pairs) <= reference(vectors, queries, wanted, -TOLERANCE)
    np.testing.assert_allclose(cosines, (queries[rows] * vectors[columns]).sum(axis=1), atol=TOLERANCE)


def test_more_pairs_than_there_is_room_for_at_first() -> None:
    vectors = unit_rows(np.random.default_rng(0).normal(size=(3000, 4)).astype(np.float32))
    lowest = np.full(1, -2, np.float32)
    partial = vectors @ np.ascontiguousarray(vectors[:1].T)
    tails = np.zeros(3000, np.float32)
    rows, columns, _ = near(partial, tails, tails[:1], lowest, lowest, vectors, vectors[:1])
    assert (rows.tolist(), columns.tolist()) == ([0] * 3000, list(range(3000)))


def test_a_pair_below_the_bound_is_not_computed() -> None:
    """The bound decides, even where it is wrong: nothing is computed in full below it."""
    vectors = np.eye(2, dtype=np.float32)
    zeros = np.zeros(2, np.float32)
    rows, _, _ = near(
        np.zeros((2, 1), np.float32), zeros, zeros[:1], np.ones(1, np.float32), -np.ones(1, np.float32), vectors, vectors[:1]
    )
    assert len(rows) == 0
