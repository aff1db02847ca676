from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.metrics.membership import auc, min_k, priv_leak

SCORES = st.lists(st.integers(-3, 3), min_size=1, max_size=8)


def test_the_least_likely_tokens_count() -> None:
    assert min_k([-1.0, -5.0, -3.0, -2.0, -4.0]) == -4.5
    assert min_k([-1.0, -5.0], 0.1) == -5
    assert min_k([-1.0, -5.0], 1) == -3
    for tokens, share in (([], 0.5), ([-1.0], 0.0), ([-1.0], 1.5)):
        with pytest.raises(ValueError, match="there must be tokens"):
            min_k(tokens, share)


def test_the_area_by_hand() -> None:
    assert auc([3, 2], [1, 0]) == 1
    assert auc([0, 1], [3, 2]) == 0
    # 2 > 1, 2 = 2, 4 > 1, 4 > 2
    assert auc([2, 4], [1, 2]) == 3.5 / 4
    with pytest.raises(ValueError, match="members and others"):
        auc([], [1])


@given(SCORES, SCORES)
def test_the_area_is_the_share_of_pairs(members: list[int], others: list[int]) -> None:
    pairs = [(one > other) + (one == other) / 2 for one, other in itertools.product(members, others)]
    assert auc(members, others) == pytest.approx(sum(pairs) / len(pairs))


def test_a_leak_is_relative_to_the_retrained_model() -> None:
    assert priv_leak(0.5, 0.5) == 0
    assert priv_leak(0.25, 0.5) == -50
    assert priv_leak(0.75, 0.5) == 50
    with pytest.raises(ValueError, match="AUC of 0"):
        priv_leak(0.5, 0)
