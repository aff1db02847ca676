from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifiers.meaning import index
from classifiers.meaning.index import HEAD, ExampleIndex, Vectors


def unit(seed: int, count: int, dimension: int, clusters: int = 5) -> Vectors:
    """Vectors near a few directions, as those of questions are: pairs with high cosines among many with low ones."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(clusters, dimension))
    rows = centres[rng.integers(0, clusters, count)] + rng.normal(size=(count, dimension)) * rng.uniform(0.2, 2, (count, 1))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def brute_force(vectors: Vectors, queries: Vectors, least: Sequence[float]) -> list[tuple[int, int]]:
    """Return the pairs (row, number) that `ExampleIndex.above` should, with one product per pair."""
    return [
        (row, number)
        for row, query in enumerate(queries)
        for number, vector in enumerate(vectors)
        if float(query @ vector) >= least[row]
    ]


def agrees(found: ExampleIndex, vectors: Vectors, queries: Vectors, least: Vectors) -> None:
    rows, columns, cosines = found.above(queries, least)
    assert (rows.dtype, columns.dtype, cosines.dtype) == (np.int64, np.int64, np.float32)
    pairs = list(zip(rows.tolist(), columns.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    np.testing.assert_allclose(cosines, np.einsum("ij,ij->i", queries[rows], vectors[columns]), atol=1e-5)
    assert set(brute_force(vectors, queries, least + 1e-5)) <= set(pairs) <= set(brute_force(vectors, queries, least - 1e-5))


SHAPES = st.tuples(st.integers(0, 10_000), st.integers(0, 120), st.integers(0, 5), st.sampled_from([1, 7, 64, 65, 130]))


@pytest.fixture(params=["plain", "two passes"])
def passes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of computing; tiles and blocks so small that their ends are met."""
    if request.param == "two passes":
        monkeypatch.setattr(index, "_SMALL", -1)
    monkeypatch.setattr(index, "_TILE", 64)
    monkeypatch.setattr(index, "_ROOM", 24)


# The fixture sets constants, which hold for every example alike.
ALIKE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


@pytest.mark.slow
@ALIKE
@given(shape=SHAPES, least=st.lists(st.floats(-1, 1), min_size=5, max_size=5))
def test_above_and_best_are_those_of_brute_force(passes: None, shape: tuple[int, int, int, int], least: list[float]) -> None:
    seed, count, asked, dimension = shape
    vectors, queries = unit(seed, count, dimension), unit(seed + 1, asked, dimension)
    found = ExampleIndex(vectors)
    agrees(found, vectors, queries, np.array(least[:asked], np.float32))
    excluded = np.random.default_rng(seed).random(count) < 0.3
    for without in (None, excluded, np.ones(count, bool)):
        allowed = np.ones(count, bool) if without is None else ~without
        cosines, columns = found.best(queries, without)
        if not allowed.any():
            assert (columns == -1).all()
            assert (cosines == -1).all()
            continue
        products = np.where(allowed, queries @ vectors.T, -2)
        np.testing.assert_allclose(cosines, products.max(axis=1), atol=1e-5)
        assert allowed[columns].all()
        np.testing.assert_allclose(products[np.arange(asked), columns], cosines, atol=1e-5)


@pytest.mark.slow
@ALIKE
@given(seed=st.integers(0, 1000), sizes=st.lists(st.integers(0, 40), min_size=1, max_size=8))
def test_extended_one_after_the_other_is_as_built_at_once(passes: None, seed: int, sizes: list[int]) -> None:
    vectors = unit(seed, sum(sizes), 70)
    found, at = ExampleIndex(vectors[:0]), 0
    for size in sizes:
        found = found.extended(vectors[at : at + size])
        at += size
        assert len(found) == at
    queries = unit(seed + 1, 3, 70)
    agrees(found, vectors, queries, np.full(3, 0.5, np.float32))


def test_an_index_stays_as_it_is_when_others_grow_from_it(passes: None) -> None:
    base = ExampleIndex(unit(0, 30, 70)).extended(unit(1, 3, 70))
    queries = unit(5, 4, 70)
    least = np.full(4, -1, np.float32)
    before = base.above(queries, least)
    left, right = base.extended(unit(2, 4, 70)), base.extended(unit(3, 5, 70))
    both = [unit(0, 30, 70), unit(1, 3, 70)]
    agrees(left, np.concatenate([*both, unit(2, 4, 70)]), queries, least)
    agrees(right, np.concatenate([*both, unit(3, 5, 70)]), queries, least)
    for was, stays in zip(before, base.above(queries, least), strict=True):
        np.testing.assert_array_equal(was, stays)


@pytest.mark.slow
def test_extending_shares_what_is_there() -> None:
    base = ExampleIndex(unit(0, 10_000, 384))
    grown = base
    for seed in range(40):
        grown = grown.extended(unit(seed, 20, 384))
    assert np.shares_memory(grown._blocks[0].vectors, base._blocks[0].vectors)
    assert len(grown._blocks) == 2
    queries = unit(9, 2, 384)
    vectors = np.concatenate([unit(0, 10_000, 384), *(unit(seed, 20, 384) for seed in range(40))])
    agrees(grown, vectors, queries, np.full(2, 0.6, np.float32))


@pytest.mark.slow
def test_most_vectors_are_ruled_out_by_the_first_pass() -> None:
    vectors, queries = unit(0, 9_000, 384, clusters=40), unit(1, 3, 384, clusters=40)
    found = ExampleIndex(vectors)
    assert found._axes.shape == (384, HEAD)
    np.testing.assert_allclose(found._axes.T @ found._axes, np.eye(HEAD), atol=1e-5)
    block = found._blocks[0]
    tails = np.linalg.norm(queries - queries @ found._axes @ found._axes.T, axis=1)
    bounds = queries @ found._axes @ block.heads.T + np.outer(tails, block.tails)
    assert (bounds >= queries @ vectors.T - 1e-5).all()
    assert (bounds >= 0.8).mean() < 0.5


def test_threads_extend_the_same_index() -> None:
    base = ExampleIndex(unit(0, 200, 70)).extended(unit(1, 3, 70))
    with ThreadPoolExecutor(8) as pool:
        grown = list(pool.map(lambda seed: base.extended(unit(seed, 5, 70)), range(40)))
    for seed, found in enumerate(grown):
        _, columns = found.best(unit(seed, 5, 70))
        assert (columns >= 203).all() or seed in (0, 1)


def test_what_does_not_fit() -> None:
    found = ExampleIndex(unit(0, 5, 8))
    for bad in (np.zeros((2, 8)), np.zeros(8, np.float32), np.full((1, 8), 2, np.float32), np.full((1, 8), np.nan, np.float32)):
        with pytest.raises(ValueError):
            ExampleIndex(bad)
        with pytest.raises(ValueError):
            found.extended(bad)
    with pytest.raises(ValueError, match="7 numbers"):
        found.extended(unit(0, 1, 7))
    with pytest.raises(ValueError, match="queries"):
        found.best(unit(0, 1, 7))
    with pytest.raises(ValueError, match="least"):
        found.above(unit(0, 2, 8), np.zeros(1, np.float32))
    with pytest.raises(ValueError, match="excluded"):
        found.best(unit(0, 2, 8), np.zeros(4, bool))
