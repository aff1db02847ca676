"""What becomes of a request is told with the names of Anthropic's API."""

from __future__ import annotations

import json

import pytest

from server.answers.reply import Reply
from server.anthropic.telling import MessageTelling
from server.errors import BadRequest, TookTooLong
from tests.server.anthropic.test_stream import of, streamed


@pytest.mark.parametrize(
    ("param", "told"),
    [
        ("stop", "stop_sequences"),
        ("response_format.json_schema", "output_config.format"),
        ("messages[3].content", "messages"),
        ("tools[1].function.parameters", "tools[1].input_schema"),
        ("tools[1].function.name", "tools[1].name"),
        ("temperature", "temperature"),
        (None, None),
    ],
)
def test_what_the_engine_refuses_has_its_place_in_the_client_s_request(param: str | None, told: str | None) -> None:
    telling = MessageTelling()
    telling.asked({})
    assert telling.refused(BadRequest("No.", param=param)).param == told


def test_a_place_in_the_client_s_request_stays() -> None:
    assert MessageTelling().refused(BadRequest("No.", param="messages[3].content[1]")).param == "messages[3].content[1]"


def test_an_error_of_the_engine_s_is_no_message() -> None:
    reply = Reply(400, "application/json", b"{}")
    assert MessageTelling().told(reply) is reply


def test_a_stream_that_breaks_ends_with_an_error_event() -> None:
    name, data = MessageTelling().broken(TookTooLong("Too long.")).decode().strip().split("\n")
    assert name == "event: error"
    error = {"type": "timeout_error", "message": "Too long.", "param": None, "code": "timeout"}
    assert json.loads(data.removeprefix("data: ")) == {"type": "error", "error": error}


@pytest.mark.parametrize(
    ("kind", "told"),
    [("server_error", "api_error"), ("requests", "rate_limit_error"), ("invalid_request_error", "invalid_request_error")],
)
async def test_an_error_in_a_stream_is_its_last_event(kind: str, told: str) -> None:
    error = {"error": {"message": "stop is long", "type": kind, "param": "stop", "code": "x"}}
    events = await streamed(of({"content": "A"})[0], error, *of({"content": "B"}))
    assert events[-1] == {
        "type": "error",
        "error": {"type": told, "message": "stop_sequences is long", "param": "stop_sequences", "code": "x"},
    }
    assert "B" not in str(events)
