from __future__ import annotations

import random

from evaluation.targets import enginekills


def test_kills_are_spread_over_storing_and_enforcing() -> None:
    made = sorted(enginekills.moments(5, random.Random(1)))
    low, high = enginekills.LEAST_S, enginekills.MOST_S
    edges = [low * (high / low) ** (at / 5) for at in range(6)]
    assert all(edges[at] <= moment <= edges[at + 1] for at, moment in enumerate(made))
    assert enginekills.moments(5, random.Random(1)) != enginekills.moments(5, random.Random(2))
