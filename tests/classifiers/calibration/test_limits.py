from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.calibration.limits import (
    Calibration,
    GroupCalibration,
    TargetCalibration,
    capped_limit,
    conformal_limit,
    observed_miss_rate,
    texts_needed,
)

GROUP = GroupCalibration(
    group="all",
    targets=2,
    bare=1,
    alpha=0.05,
    n=40,
    source="paraphrases",
    needed=19,
    conformal=-0.125,
    default=0.0,
    cap=0.005,
    capped=-0.2,
    limit=-0.125,
    promised=0.05,
    missed=0.05,
    observed=0.0,
    held_out=None,
    false_alarms=0.01,
    false_alarms_default=0.0,
)
NAMES_SUFFICE = replace(GROUP, group="named", conformal=math.inf, limit=0.0)
CALIBRATION = Calibration((GROUP, NAMES_SUFFICE), {"a": "all", "b": "all", "c": "named"})


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1, width=32), max_size=300), st.sampled_from([0.01, 0.02, 0.05, 0.1, 0.29, 0.5]))
def test_the_limit_is_the_definition(scores: list[float], alpha: float) -> None:
    """Of n + 1 exchangeable scores at most floor(alpha (n + 1)) can lie below the limit of the others."""
    limit = conformal_limit(np.array(scores, np.float32), alpha)
    rank = math.floor(round(alpha * 100) * (len(scores) + 1) / 100)
    if rank == 0:
        assert limit is None
        assert len(scores) < texts_needed(alpha)
    else:
        assert limit == sorted(scores)[rank - 1]
        assert len(scores) >= texts_needed(alpha)


@pytest.mark.parametrize(("alpha", "needed"), [(0.01, 99), (0.05, 19), (0.1, 9), (0.3, 3), (0.5, 1), (0.9, 1), (0.001, 999)])
def test_texts_needed(alpha: float, needed: int) -> None:
    assert texts_needed(alpha) == needed
    assert conformal_limit(np.zeros(needed, np.float32), alpha) == 0.0
    assert conformal_limit(np.zeros(needed - 1, np.float32), alpha) is None


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.1])
def test_the_promise_holds_on_average(alpha: float) -> None:
    """Over 2,000 draws of 199 + 1 scores the miss rate is alpha; its standard error is sqrt(alpha (1 - alpha) / 2000)."""
    random = np.random.default_rng(1)
    draws = random.standard_normal((2000, 200)).astype(np.float32)
    missed = np.mean([draw[-1] < (conformal_limit(draw[:-1], alpha) or -math.inf) for draw in draws])
    assert missed == pytest.approx(alpha, abs=4 * math.sqrt(alpha * (1 - alpha) / 2000))


def test_observed_miss_rate() -> None:
    scores = np.linspace(-1, 1, 2000, dtype=np.float32)
    assert observed_miss_rate(scores, 0.1) == pytest.approx(0.1, abs=0.03)
    assert observed_miss_rate(np.ones(50, np.float32), 0.1) == 0  # the default limit is below them all
    assert observed_miss_rate(-np.ones(4, np.float32), 0.1) == 1  # too few for a limit: the default, which misses them
    assert observed_miss_rate(np.ones(1, np.float32), 0.1) is None


def test_limits_by_target() -> None:
    assert CALIBRATION.limits == {"a": -0.125, "b": -0.125, "c": 0.0}


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1, width=32), max_size=60), st.sampled_from([0.0, 0.005, 0.02, 0.1, 0.5, 1.0]))
def test_the_capped_limit_is_the_lowest_that_keeps_the_cap(alarms: list[float], cap: float) -> None:
    values = np.array(alarms, np.float32)
    limit = capped_limit(values, cap)
    allowed = math.floor(round(cap * 1000) * len(alarms) / 1000)
    assert (values >= limit).sum() <= allowed
    # Each lower limit is one of the scores, or below all of them.
    for lower in {*values.tolist(), -2.0}:
        if lower < limit:
            assert (values >= np.float32(lower)).sum() > allowed


def test_a_target_has_the_higher_of_its_own_limit_and_that_of_its_group() -> None:
    own = {"a": TargetCalibration(0.1, 0.0, 40, None), "b": TargetCalibration(-0.5, 2.0, 40, 0.25)}
    calibration = Calibration((GROUP, NAMES_SUFFICE), {"a": "all", "b": "all", "c": "named"}, own)
    assert calibration.limits == {"a": 0.1, "b": -0.125, "c": 0.0}
    assert calibration.raised == {"b": 2.0}
