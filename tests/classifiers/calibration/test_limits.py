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
    capped=-0.25,
    limit=-0.125,
    promised=0.05,
    missed=0.1,
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


def test_the_higher_limit_of_the_group_and_of_the_target_counts() -> None:
    own = {"a": TargetCalibration(0.25, 0.0, 40, None), "b": TargetCalibration(-0.5, 1.5, 40, 0.5)}
    calibration = replace(CALIBRATION, targets=own)
    assert calibration.limits == {"a": 0.25, "b": -0.125, "c": 0.0}
    bare = replace(own["a"], limit=-math.inf, negatives=0)
    assert replace(CALIBRATION, targets={"a": bare}).limits == CALIBRATION.limits


def test_profiles_are_raised_where_negatives_ask_for_it() -> None:
    own = {"a": TargetCalibration(0.25, 0.0, 40, None), "b": TargetCalibration(-0.5, 1.5, 40, 0.5)}
    assert replace(CALIBRATION, targets=own).raised == {"b": 1.5}
    assert CALIBRATION.raised == {}


SCORES = st.lists(st.one_of(st.floats(-1, 1, width=32), st.sampled_from([-math.inf, math.inf, 0.0, 0.5])), max_size=60)


def lowest_that_keeps(alarms: list[float], cap: int) -> float:
    """Try every limit at which the number of alarms changes, from below; `cap` in thousandths."""
    tried = [-math.inf, *(float(np.nextafter(np.float32(score), np.float32(np.inf))) for score in sorted(alarms))]
    return next(limit for limit in tried if limit == math.inf or 1000 * sum(a >= limit for a in alarms) <= cap * len(alarms))


@settings(deadline=None)
@given(SCORES, st.sampled_from([0, 5, 29, 100, 290, 500, 1000]))
def test_the_capped_limit_is_the_lowest_that_keeps_the_cap(alarms: list[float], cap: int) -> None:
    assert capped_limit(np.array(alarms, np.float32), cap / 1000) == lowest_that_keeps(alarms, cap)
