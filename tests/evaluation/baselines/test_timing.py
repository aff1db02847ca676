from __future__ import annotations

from evaluation.baselines.timing import StepCost, time_steps


def test_a_first_call_above_the_limit_is_the_only_one() -> None:
    calls: list[int] = []
    assert len(time_steps(lambda: calls.append(1), limit_s=0.0)) == 1
    assert calls == [1]


def test_calls_stop_when_the_budget_is_spent_and_at_least_one_counts() -> None:
    calls: list[int] = []
    assert len(time_steps(lambda: calls.append(1), budget_s=0.0)) == 1
    assert len(calls) == 2  # one to warm up


def test_median_and_p99() -> None:
    cost = StepCost.of([k * 1e-6 for k in range(200)], phrases=1, width=2, batch=3, setup_s=0.0)
    assert (round(cost.median_us, 3), round(cost.p99_us, 3), cost.steps) == (99.5, 198.0, 200)
