from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from server.policy.clock import SteadyClock

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_after_a_jump_forward_nothing_is_believed_for_an_hour(caplog: pytest.LogCaptureFixture) -> None:
    own = [0.0]
    clock = SteadyClock(lambda: own[0])

    def steady(passed_s: float, jump: timedelta = timedelta()) -> bool:
        nonlocal now
        own[0] += passed_s
        now += timedelta(seconds=passed_s) + jump
        return clock.steady(now)

    now = NOW
    assert steady(0)
    assert steady(10)
    # A correction by some seconds is usual.
    assert steady(10, timedelta(seconds=30))
    assert not steady(10, timedelta(days=400))
    assert "jumped forward" in caplog.text
    assert not steady(3599)
    assert steady(1)


def test_a_clock_that_goes_back_expires_nothing_too_early() -> None:
    own = [0.0]
    clock = SteadyClock(lambda: own[0])
    assert clock.steady(NOW)
    assert clock.steady(NOW - timedelta(days=1))
    # Set right again, it has jumped.
    assert not clock.steady(NOW)
