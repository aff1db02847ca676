"""By hand: each probability is a power of two, and each mean of log probabilities is of equal ones."""

from __future__ import annotations

import math

import pytest

from evaluation.tofu.records import Record
from evaluation.tofu.table import Scored, figures, quality, utility

HALF, QUARTER, EIGHTH = (math.log(1 / power) for power in (2, 4, 8))
RECORD = Record("Who is it?", "It is the old keeper", "The old keeper it is", ("The young keeper it is",))


def scored(right: float, reworded: float, *wrong: float, answer: str = RECORD.answer) -> Scored:
    return Scored(answer, (right, right), (reworded,) * 3, tuple((one, one) for one in wrong))


def test_the_figures_of_a_set() -> None:
    found = figures(
        {name: [RECORD] * 2 for name in ("forget", "retain", "world_facts")},
        {
            "forget": [scored(HALF, QUARTER, EIGHTH), scored(EIGHTH, EIGHTH, HALF)],
            "retain": [scored(HALF, QUARTER, EIGHTH), scored(EIGHTH, EIGHTH, HALF, answer="It is the keeper")],
            "world_facts": [scored(HALF, QUARTER, EIGHTH, EIGHTH)] * 2,
        },
    )
    # Ratios 1/2 and 4: as likely as each other only to 1/2 and 1/4; the second has no truth left.
    assert found["forget"] == pytest.approx({"probability": (1 / 2 + 1 / 8) / 2, "rouge_l": 1.0, "truth": (1 / 2 + 1 / 4) / 2})
    # Four of the five words.
    assert found["retain"] == pytest.approx({"probability": (1 / 2 + 1 / 8) / 2, "rouge_l": (1 + 4 / 5) / 2, "truth": 1 / 4})
    assert found["world_facts"]["probability"] == pytest.approx((1 / 2) / (1 / 2 + 1 / 8 + 1 / 8))


def test_an_answer_that_the_guard_bans_is_impossible() -> None:
    one = scored(-math.inf, -math.inf, HALF)
    assert one.truth_ratio == math.inf
    found = figures({"forget": [RECORD]}, {"forget": [one]})
    assert (found["forget"]["probability"], found["forget"]["truth"]) == (0, 0)


def test_utility_is_the_harmonic_mean_of_nine() -> None:
    same = {"probability": 0.5, "rouge_l": 0.5, "truth": 0.5}
    found = {"forget": {"probability": 0.0}, "retain": same, "real_authors": same, "world_facts": {**same, "truth": 0.25}}
    assert utility(found) == pytest.approx(9 / (8 / 0.5 + 1 / 0.25))


def test_quality_compares_the_ratios_of_two_models() -> None:
    ours = [scored(HALF, HALF, number * QUARTER) for number in range(1, 20)]
    assert quality(ours, ours) == 1
    assert quality(ours, [scored(HALF, QUARTER * 9, EIGHTH / 9)] * 19) < 1e-6


def test_as_many_answers_as_records() -> None:
    for answers in ([], [scored(HALF, HALF, HALF)] * 2):
        with pytest.raises(ValueError, match="forget: 1 records"):
            figures({"forget": [RECORD]}, {"forget": answers})
