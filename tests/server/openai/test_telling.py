"""What a client is told where nothing is translated."""

from __future__ import annotations

from server.answers.reply import Reply
from server.errors import BadRequest, TookTooLong
from server.openai.telling import Telling


def test_everything_is_told_as_the_engine_says_it() -> None:
    telling, reply, error = Telling(), Reply(400, "application/json", b"{}"), BadRequest("No.", param="messages")
    telling.asked({"messages": []})
    assert telling.told(reply) is reply
    assert telling.refused(error) is error


def test_a_stream_that_breaks_ends_with_the_error_and_done() -> None:
    assert Telling().broken(TookTooLong("Too long.")) == (
        b'data: {"error": {"message": "Too long.", "type": "server_error", "param": null, "code": "timeout"}}\n\ndata: [DONE]\n\n'
    )
