"""Answers that the policy cuts short are counted per client."""

from __future__ import annotations

import pytest

from server.errors import RateLimited
from server.http.filterlimit import FilterLimit
from server.http.ratelimit import RateLimiter


def test_f3_a_client_with_too_many_waits_and_another_does_not() -> None:
    now = 0.0
    limit = FilterLimit(3, RateLimiter(lambda: now))
    for _ in range(4):  # a request of several choices may pass the limit once
        limit.note("a")
    with pytest.raises(RateLimited, match="3 answers that the policy cuts short per minute") as caught:
        limit.check("a")
    assert caught.value.headers["Retry-After"] == "40"
    limit.check("b")
    now = 40.0
    limit.check("a")


def test_f3_to_check_takes_nothing() -> None:
    limit = FilterLimit(1, RateLimiter(lambda: 0.0))
    for _ in range(5):
        limit.check("a")
