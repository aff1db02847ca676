"""The gate: an engine of a fleet says something only while it is told to."""

from __future__ import annotations

import pytest

from guard.errors import GuardError
from guard.processors.vllm.gate import Gate


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_an_engine_of_a_fleet_starts_shut_and_is_open_as_long_as_it_was_told() -> None:
    clock = Clock()
    gate = Gate(False, clock)
    assert gate.shut
    gate.open(10)
    assert not gate.shut
    clock.now += 9.9
    assert not gate.shut
    clock.now += 0.1
    assert gate.shut


def test_it_is_shut_at_once() -> None:
    gate = Gate(False, Clock())
    gate.open(10)
    gate.open(0)
    assert gate.shut


def test_an_engine_of_one_front_end_is_always_open_and_cannot_have_a_lease() -> None:
    clock = Clock()
    gate = Gate(True, clock)
    clock.now = 1e12
    assert not gate.shut
    with pytest.raises(GuardError, match="leave `alone` out"):
        gate.open(10)
    assert not gate.shut
