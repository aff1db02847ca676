"""Hits: what the compiled loop finds is what the definition says, and what it does to the logits are bans."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from guard.decoding.hitkernels import find_hits

INF = np.float32(np.inf)


def defined(values: NDArray[np.float32], banned: set[int]) -> tuple[bool, float]:
    """Return whether a row has a hit, and what the banned tokens hold of the probability."""
    if not banned or values.max() == -INF:
        return False, 0.0
    weights = np.exp(values.astype(np.float64) - values.max())
    share = float(weights[sorted(banned)].sum() / weights.sum())
    return int(values.argmax()) in banned or share >= 0.3, share


@st.composite
def batches(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
    """Logits with ties and far ones, and bans that repeat, of likely tokens and unlikely ones."""
    rows, width = draw(st.integers(1, 4)), draw(st.sampled_from([2, 5, 300, 1000]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    logits = rng.normal(0, draw(st.sampled_from([0.1, 1.0, 4.0, 30.0])), (rows, width)).astype(np.float32)
    if draw(st.booleans()):
        logits = np.round(logits)
    logits[rng.random((rows, width)) < draw(st.sampled_from([0.0, 0.0, 0.9, 1.0]))] = -np.inf
    pairs = []
    for row in range(rows):
        order = np.argsort(-logits[row], kind="stable")
        likely = order[rng.random(width) < 0.3][: draw(st.integers(0, 4))]
        others = rng.integers(0, width, draw(st.sampled_from([0, 1, 50])))
        pairs += [(row, int(token)) for token in [*likely, *others, *likely[:1]]]
    rng.shuffle(pairs)
    return logits, np.array(pairs, np.int64).reshape(-1, 2).T.copy(), rng.random(rows) < 0.8


@settings(max_examples=400, deadline=None)
@given(batches())
def test_what_is_found_is_what_the_definition_says(
    batch: tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]],
) -> None:
    logits, banned, asked = batch
    after = logits.copy()
    found = find_hits(after, banned, asked)
    for row in range(len(logits)):
        own = set(banned[1][banned[0] == row].tolist())
        wanted, share = defined(logits[row], own)
        if abs(share - 0.3) > 1e-6:
            assert found[row] == (wanted and asked[row])
        changed = np.flatnonzero(after[row] != logits[row])
        assert set(changed.tolist()) <= own
        assert np.isneginf(after[row, changed]).all()


def one(values: list[float], *banned: int) -> bool:
    pairs = np.array([(0, token) for token in banned], np.int64).reshape(-1, 2).T.copy()
    return bool(find_hits(np.array([values], np.float32), pairs, np.ones(1, np.bool_))[0])


def test_the_likeliest_token_is_a_hit_however_unlikely_it_is() -> None:
    flat = [0.0] * 99
    assert one([*flat, 0.01], 99)
    assert not one([*flat, -0.01], 99)
    assert not one(flat, 1)  # of equal logits the first is the likeliest
    assert one(flat, 0)


@pytest.mark.parametrize(("share", "hit"), [(0.31, True), (0.29, False), (0.05, False)])
def test_the_share_of_the_probability_decides(share: float, hit: bool) -> None:
    # Two banned tokens hold the share together, and one that is not banned is likelier than either.
    values = np.log([share / 2, share / 2, 1 - share]).tolist()
    assert one(values, 0, 1) == hit
    assert one(values, 0, 1, 1, 0, 1) == hit  # a ban that is given twice counts once


def test_without_bans_or_without_tokens_there_is_no_hit() -> None:
    assert not one([1.0, 2.0])
    assert not one([-np.inf, -np.inf], 0, 1)
    assert not one([-np.inf, 2.0], 0)
    assert one([-np.inf, 2.0], 1)


def test_rows_that_are_not_asked_for_are_left_alone() -> None:
    logits = np.array([[1.0, 2.0], [1.0, 2.0]], np.float32)
    pairs = np.array([[0, 1], [1, 1]], np.int64)
    assert find_hits(logits, pairs, np.array([False, True])).tolist() == [False, True]
    assert logits[0].tolist() == [1.0, 2.0]
