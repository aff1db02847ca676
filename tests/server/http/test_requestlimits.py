"""What one request may ask for."""

from __future__ import annotations

import pytest

from server.errors import BadRequest
from server.http.requestlimits import RequestLimits

LIMITS = RequestLimits(messages=3, prompts=4, choices=6)


def test_what_is_within_the_limits_passes() -> None:
    LIMITS.check_messages(3)
    for prompts, n in ((1, 6), (4, 1), (3, 2), (1, 0), (1, -5)):
        LIMITS.check_choices(prompts, n, "prompt")


@pytest.mark.parametrize(
    ("prompts", "n", "param", "told"),
    [
        (5, 1, "prompt", "`prompt` has 5 prompts. The most that this server accepts is 4"),
        (1, 7, "n", "`n` is 7. The most that this server accepts is 6"),
        (4, 2, "n", "`n` is 2, which makes 8 choices for 4 prompts"),
    ],
)
def test_f10_what_is_not_is_refused_with_the_field(prompts: int, n: int, param: str, told: str) -> None:
    with pytest.raises(BadRequest) as caught:
        LIMITS.check_choices(prompts, n, "prompt")
    assert (caught.value.param, caught.value.code) == (param, "limit_exceeded")
    assert told in caught.value.message


def test_f10_messages() -> None:
    with pytest.raises(BadRequest, match="`messages` has 4 messages") as caught:
        LIMITS.check_messages(4)
    assert caught.value.param == "messages"
