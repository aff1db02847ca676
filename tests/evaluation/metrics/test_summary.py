from __future__ import annotations

import pytest

from evaluation.metrics.summary import forget_quality, model_utility


def test_equal_distributions_cannot_be_told_apart() -> None:
    ratios = [number / 20 for number in range(20)]
    assert forget_quality(ratios, ratios) == 1
    # Disjoint samples of n each: D = 1, and p = 2 n!^2 / (2n)!.
    assert forget_quality([1, 2, 3, 4], [5, 6, 7, 8]) == pytest.approx(2 * 24 * 24 / 40320)
    assert forget_quality([one + 1 for one in ratios], ratios) < 1e-6
    with pytest.raises(ValueError, match="both models"):
        forget_quality([], ratios)


def test_the_harmonic_mean_of_nine() -> None:
    assert model_utility([0.5] * 9) == pytest.approx(0.5)
    assert model_utility([1.0] * 8 + [0.5]) == pytest.approx(9 / 10)
    assert model_utility([1.0] * 8 + [0.0]) == 0
    for figures in ([0.5] * 8, [*[0.5] * 8, -0.1]):
        with pytest.raises(ValueError, match="9 figures"):
            model_utility(figures)
