"""The kinds of error in Anthropic's envelope."""

from __future__ import annotations

import pytest

from server.anthropic.errors import envelope
from server.errors import (
    BadRequest,
    Conflict,
    EngineFailure,
    Forbidden,
    GuardFailure,
    KnownError,
    MethodNotAllowed,
    NotFound,
    NotReady,
    RateLimited,
    TookTooLong,
    TooLarge,
    Unauthorized,
    UnsupportedMedia,
)

KINDS: dict[type[KnownError], str] = {
    BadRequest: "invalid_request_error",
    Unauthorized: "authentication_error",
    Forbidden: "permission_error",
    NotFound: "not_found_error",
    MethodNotAllowed: "invalid_request_error",
    Conflict: "invalid_request_error",
    TooLarge: "request_too_large",
    UnsupportedMedia: "invalid_request_error",
    RateLimited: "rate_limit_error",
    GuardFailure: "api_error",
    EngineFailure: "api_error",
    NotReady: "overloaded_error",
    TookTooLong: "timeout_error",
}


@pytest.mark.parametrize("error", KnownError.__subclasses__(), ids=lambda error: error.__name__)
def test_every_error_of_the_server_has_a_kind_that_clients_know(error: type[KnownError]) -> None:
    told = envelope(error("No.", param="model"))
    assert told == {
        "type": "error",
        "error": {"type": KINDS[error], "message": "No.", "param": "model", "code": error.CODE},
    }


def test_clients_7_a_prompt_that_is_too_long_is_told_in_the_words_that_clients_look_for() -> None:
    told = envelope(BadRequest("It has 9 tokens.", code="context_length_exceeded"))["error"]
    assert told["message"] == "prompt is too long: It has 9 tokens."
    assert told["type"] == "invalid_request_error"
