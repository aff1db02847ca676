"""Errors of the engine as OpenAI's API tells them, with a status wherever one can still be sent."""

from __future__ import annotations

from typing import Any

import pytest

from server.answers.failures import begun
from server.answers.reply import replied
from server.errors import ServerError
from tests.server.answers.conftest import CHAT, SCOPE, answers, collected, events, nothing, says

REFUSED = {"error": {"message": "No such type", "type": "BadRequestError", "param": "response_format", "code": 400}}
CHUNK = {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None}]}


async def refused(app: Any) -> ServerError:
    async with replied(app, SCOPE, nothing, CHAT) as reply:
        with pytest.raises(ServerError) as caught:
            await begun(reply, "messages")
    return caught.value


@pytest.mark.parametrize("app", [answers(REFUSED, 400), says([events(REFUSED)])], ids=["whole", "stream"])
async def test_clients_8_what_vllm_refuses_late_has_a_status(app: Any) -> None:
    error = await refused(app)
    assert (error.status, error.message, error.param, error.code) == (400, "No such type", "response_format", "invalid_value")


@pytest.mark.parametrize("body", [b"null", b"[]", b"{}", b'{"error": 5}', b"Internal Server Error", b"\xff"])
async def test_an_error_that_says_nothing_is_still_an_error(body: bytes) -> None:
    error = await refused(says([body], "text/plain", 500))
    assert (error.status, error.type, error.message) == (500, "server_error", "Internal Server Error")


async def test_an_answer_is_passed_on() -> None:
    for app, expected in ((answers(CHUNK), [CHUNK]), (says([events(CHUNK, CHUNK)]), [CHUNK] * 2), (says([events()]), [])):
        async with replied(app, SCOPE, nothing, CHAT) as reply:
            assert await collected((await begun(reply, "messages")).answered) == expected


async def test_an_error_in_the_middle_of_a_stream_has_the_envelope() -> None:
    failed = {"error": {"message": "Internal server error", "type": "InternalServerError", "param": None, "code": 500}}
    said = {**CHUNK, "note": "error"}
    async with replied(says([events(CHUNK, said, failed)]), SCOPE, nothing, CHAT) as reply:
        chunks = await collected((await begun(reply, "messages")).answered)
    told = {"message": "Internal server error", "type": "server_error", "param": None, "code": "engine_failure"}
    assert chunks == [CHUNK, said, {"error": told}]
