from __future__ import annotations

import math

import pytest

from evaluation.metrics.likelihood import choice_probability, indifference, probability, truth_ratio, truthfulness


def logs(*probabilities: float) -> list[float]:
    return [math.log(one) if one else -math.inf for one in probabilities]


def test_a_probability_is_the_geometric_mean() -> None:
    assert probability(logs(0.5, 0.125)) == pytest.approx(0.25)
    assert probability(logs(0.5, 0.0)) == 0
    with pytest.raises(ValueError, match="without tokens"):
        probability([])


def test_a_choice_is_among_the_answers() -> None:
    assert choice_probability(logs(0.5), [logs(0.25), logs(0.25, 0.25)]) == pytest.approx(0.5)
    assert choice_probability(logs(0.0), [logs(0.0)]) == 0


def test_the_ratio_of_wrong_and_right() -> None:
    # The wrong answers: the geometric mean of 0.5 and 0.125 is 0.25.
    assert truth_ratio(logs(0.5), [logs(0.5), logs(0.125)]) == pytest.approx(0.5)
    assert truth_ratio(logs(0.0), [logs(0.5)]) == math.inf
    assert truth_ratio(logs(0.5), [logs(0.0)]) == 0
    assert truth_ratio(logs(0.0), [logs(0.0)]) == 1
    assert truth_ratio([-2000.0], [[-1.0]]) == math.inf
    with pytest.raises(ValueError, match="wrong answer"):
        truth_ratio(logs(0.5), [])


def test_what_is_kept_and_what_is_forgotten_are_judged_differently() -> None:
    ratios = [0.0, 0.5, 1.0, 2.0, math.inf]
    assert truthfulness(ratios) == pytest.approx((1 + 0.5 + 0 + 0 + 0) / 5)
    assert indifference(ratios) == pytest.approx((0 + 0.5 + 1 + 0.5 + 0) / 5)
    for mean in (truthfulness, indifference):
        with pytest.raises(ValueError, match="no truth ratios"):
            mean([])
