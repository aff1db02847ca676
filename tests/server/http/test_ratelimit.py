"""A bucket lets through what its rate allows, and says when to come again."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import RateLimited
from server.http.envelope import envelope
from server.http.ratelimit import RateLimiter


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> RateLimiter:
    return RateLimiter(clock)


def wait(limiter: RateLimiter, key: str, rate: int, burst: int | None = None) -> int:
    """The seconds the limiter asks to wait; 0 if it lets the request through."""
    try:
        limiter.take(key, rate, burst)
    except RateLimited as error:
        return int(error.headers["Retry-After"])
    return 0


def test_a_burst_then_the_rate(limiter: RateLimiter, clock: Clock) -> None:
    assert [wait(limiter, "a", 6, 3) for _ in range(4)] == [0, 0, 0, 10]
    clock.now += 9.5
    assert wait(limiter, "a", 6, 3) == 1
    clock.now += 0.5
    assert [wait(limiter, "a", 6, 3) for _ in range(2)] == [0, 10]
    clock.now += 3600
    assert [wait(limiter, "a", 6, 3) for _ in range(4)] == [0, 0, 0, 10]


def test_a_key_has_its_own_bucket(limiter: RateLimiter) -> None:
    assert [wait(limiter, key, 1) for key in "abab"] == [0, 0, 60, 60]


def test_the_answer_is_openai_s(limiter: RateLimiter) -> None:
    limiter.take("a", 1)
    with pytest.raises(RateLimited) as caught:
        limiter.take("a", 1)
    assert caught.value.status == 429
    error = envelope(caught.value)["error"]
    assert (error["type"], error["code"]) == ("requests", "rate_limit_exceeded")
    assert caught.value.headers == {"Retry-After": "60"}


def test_a_clock_that_goes_back_neither_fills_nor_blocks(limiter: RateLimiter, clock: Clock) -> None:
    assert [wait(limiter, "a", 60, 2) for _ in range(3)] == [0, 0, 1]
    clock.now -= 500
    assert wait(limiter, "a", 60, 2) == 1
    clock.now += 1
    assert [wait(limiter, "a", 60, 2) for _ in range(2)] == [0, 1]


def test_memory_is_bounded(clock: Clock) -> None:
    limiter = RateLimiter(clock, most=3)
    for key in ("a", "b", "a", "c", "d"):
        wait(limiter, key, 1)
    # "b" was unused for longest, and is forgotten; "a" is not.
    assert wait(limiter, "a", 1) == 60
    assert len(limiter._buckets) == 3


@given(
    rate=st.integers(1, 600),
    burst=st.integers(1, 20),
    pauses=st.lists(st.integers(0, 4000), max_size=40),
)
def test_as_exact_arithmetic_has_it(rate: int, burst: int, pauses: list[int]) -> None:
    """Against a bucket of fractions, at times that are multiples of 1/64 s, which floats hold exactly."""
    clock = Clock()
    limiter = RateLimiter(clock)
    tokens = Fraction(burst)
    for pause in pauses:
        clock.now += pause / 64
        tokens = min(Fraction(burst), tokens + Fraction(pause, 64) * rate / 60)
        # Where rounding decides, either answer is right.
        if abs(tokens - 1) < Fraction(1, 10**6):
            return
        seconds = wait(limiter, "a", rate, burst)
        assert (seconds == 0) == (tokens >= 1)
        if seconds == 0:
            tokens -= 1
        else:
            exact = (1 - tokens) * 60 / rate
            assert exact - Fraction(1, 10**6) <= seconds <= exact + 1


def test_f9_several_at_once_count_each(limiter: RateLimiter, clock: Clock) -> None:
    limiter.take("a", 60, 10, count=8)
    with pytest.raises(RateLimited):
        limiter.take("a", 60, 10, count=3)
    limiter.take("a", 60, 10, count=2)
    clock.now += 10
    # More than the bucket holds: a full bucket lends them, and the key waits until they are earned.
    limiter.take("a", 60, 10, count=30)
    assert wait(limiter, "a", 60, 10) == 21


def test_f3_what_was_done_counts_even_if_nothing_is_left(limiter: RateLimiter, clock: Clock) -> None:
    for _ in range(2):
        limiter.check("a", 2, "answers")
        limiter.note("a", 2)
    with pytest.raises(RateLimited, match="2 answers per minute"):
        limiter.check("a", 2, "answers")
    limiter.note("a", 2)
    clock.now += 31
    with pytest.raises(RateLimited):
        limiter.check("a", 2, "answers")
    clock.now += 30
    limiter.check("a", 2, "answers")


def test_what_was_taken_is_told_once_and_a_bucket_is_settled_less_what_came_since() -> None:
    limiter = RateLimiter(lambda: 0.0)
    limiter.take("a", 10, count=4)
    limiter.note("b", 5)
    limiter.check("c", 5, "answers")
    taken = limiter.taken()
    assert {key: use.count for key, use in taken.items()} == {"a": 4, "b": 1, "c": 0}
    assert limiter.taken() == {}
    limiter.take("a", 10)
    limiter.untold(taken)
    assert limiter.taken()["a"].count == 5
    limiter.take("a", 10)
    limiter.settle("a", 2.0)
    limiter.take("a", 10)
    with pytest.raises(RateLimited):
        limiter.take("a", 10)


def test_no_more_is_remembered_than_there_are_buckets() -> None:
    limiter = RateLimiter(lambda: 0.0, most=3)
    for key in "abcde":
        limiter.take(key, 10)
    assert list(limiter.taken()) == ["c", "d", "e"]
