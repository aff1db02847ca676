from __future__ import annotations

from server.engine.restarts import STEADY_S, Restarts


def test_each_wait_is_twice_as_long_as_the_one_before_up_to_a_minute() -> None:
    restarts = Restarts(8)
    assert [restarts.after(1) for _ in range(9)] == [1, 2, 4, 8, 16, 32, 60, 60, None]


def test_an_engine_that_served_for_long_is_a_new_case() -> None:
    restarts = Restarts(2)
    assert [restarts.after(served) for served in (5, 5, STEADY_S, 0, 0)] == [1, 2, 1, 2, None]


def test_no_restart_can_be_asked_for() -> None:
    assert Restarts(0).after(STEADY_S) is None
