"""Timing of one decoding step."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

MOST_STEPS = 2000


@dataclass(frozen=True)
class StepCost:
    """What one step of a rival costs for a whole batch.

    Attributes:
        phrases: number of phrases that it bans.
        width: width of the logits.
        batch: number of rows.
        median_us: microseconds of the median step.
        p99_us: microseconds of the 99th percentile.
        steps: number of steps that were timed.
        setup_s: seconds spent once, before the first step, on tokenising and compiling.
        estimated: whether the step was too slow to run whole, so that its cost is scaled up from a part of it.
    """

    phrases: int
    width: int
    batch: int
    median_us: float
    p99_us: float
    steps: int
    setup_s: float
    estimated: bool = False

    @classmethod
    def of(
        cls, seconds: Sequence[float], *, phrases: int, width: int, batch: int, setup_s: float, estimated: bool = False
    ) -> StepCost:
        """Return the cost, given the seconds of each step. With fewer than 100 steps, `p99_us` is that of the slowest one."""
        ordered = sorted(seconds)
        slow = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
        return cls(phrases, width, batch, statistics.median(ordered) * 1e6, slow * 1e6, len(ordered), setup_s, estimated)


def time_steps(
    step: Callable[[], object], *, prepare: Callable[[], object] | None = None, budget_s: float = 1.0, limit_s: float = 5.0
) -> list[float]:
    """Return the seconds of each of up to 2,000 calls of `step`, which end when they have taken `budget_s` together.

    The first call warms up and does not count, unless it takes more than `limit_s`: then it is the only one.

    Args:
        step: what to time.
        prepare: called before each step, and not timed.
        budget_s: seconds for all calls.
        limit_s: seconds above which a single call is enough.
    """
    first = _once(step, prepare)
    if first > limit_s:
        return [first]
    seconds: list[float] = []
    spent = 0.0
    while not seconds or (spent < budget_s and len(seconds) < MOST_STEPS):
        seconds.append(_once(step, prepare))
        spent += seconds[-1]
    return seconds


def _once(step: Callable[[], object], prepare: Callable[[], object] | None) -> float:
    if prepare is not None:
        prepare()
    started = time.perf_counter()
    step()
    return time.perf_counter() - started
