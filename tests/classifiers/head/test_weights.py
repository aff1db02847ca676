"""A head learns to separate two kinds of vectors, and answers as a slow computation does."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.head.weights import HIDDEN, HeadWeights, train
from classifiers.meaning.encoder import Vectors, unit_rows


def drawn(seed: int, *shape: int) -> Vectors:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def one_by_one(weights: HeadWeights, vector: Vectors) -> float:
    """Return the probability of one vector, computed with Python's own numbers."""
    if not vector.any():
        return 0.0
    scaled = [float(value) * math.sqrt(len(vector)) for value in vector]
    logit = float(weights.out_bias[0])
    for unit in range(len(weights.out)):
        total = sum(value * float(weights.hidden[at, unit]) for at, value in enumerate(scaled)) + float(weights.hidden_bias[unit])
        logit += max(0.0, total) * float(weights.out[unit])
    return 1 / (1 + math.exp(-max(-80.0, min(80.0, logit))))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.integers(1, 9), st.integers(1, 6), st.integers(0, 5), st.sampled_from([0.1, 1.0, 40.0]))
def test_probabilities_are_those_of_a_slow_computation(seed: int, dimension: int, units: int, count: int, scale: float) -> None:
    weights = HeadWeights(
        scale * drawn(seed, dimension, units), drawn(seed + 1, units), scale * drawn(seed + 2, units), drawn(seed + 3, 1)
    )
    vectors = unit_rows(drawn(seed + 4, count, dimension))
    vectors = np.concatenate([vectors, np.zeros((1, dimension), np.float32)])
    found = weights.probabilities(vectors)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [one_by_one(weights, vector) for vector in vectors], atol=1e-4)


@pytest.mark.slow
def test_training_separates_and_repeats() -> None:
    positives, negatives = unit_rows(drawn(1, 40, 16) + 0.7), unit_rows(drawn(2, 60, 16) - 0.7)
    weights = train(positives, negatives, 0)
    assert weights.hidden.shape == (16, HIDDEN)
    assert weights.probabilities(positives).min() > 0.5 > weights.probabilities(negatives).max()
    again, other = train(positives, negatives, 0), train(positives, negatives, 1)
    assert np.array_equal(again.hidden, weights.hidden)
    assert not np.array_equal(other.hidden, weights.hidden)


def test_both_kinds_weigh_the_same() -> None:
    """Where both kinds are the same vector, the head is undecided, however many there are of either."""
    vector = unit_rows(drawn(3, 1, 16))
    probability = train(np.repeat(vector, 5, axis=0), np.repeat(vector, 95, axis=0), 0).probabilities(vector)[0]
    assert 0.4 < probability < 0.6
