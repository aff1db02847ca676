"""A reply reaches the client as the engine said it, streamed or whole."""

from __future__ import annotations

import pytest

from server.answers.chunk import Chunk
from server.answers.reply import Reply, deliver, replied
from server.errors import EngineFailure
from tests.server.answers.conftest import CHAT, COMPLETION, SCOPE, Client, answers, collected, events, nothing, says, stream


async def test_a_whole_answer_is_one_chunk() -> None:
    async with replied(answers({"id": "x", "choices": []}), SCOPE, nothing, CHAT) as reply:
        assert not reply.streams
        assert await collected(reply.answered) == [{"id": "x", "choices": []}]


async def test_an_error_is_passed_on_as_it_came() -> None:
    client = Client()
    async with replied(answers({"error": {"code": 404}}, 404), SCOPE, nothing, CHAT) as reply:
        with pytest.raises(EngineFailure):
            _ = reply.answered
        await deliver(reply, client, {"x-a": "b"})
    assert (client.status, client.body, client.headers["x-a"]) == (404, b'{"error":{"code":404}}', "b")


async def test_events_leave_as_soon_as_they_are_whole() -> None:
    raw = events({"n": 1}, {"n": 2})
    client = Client()
    async with replied(says([raw[at : at + 1] for at in range(len(raw))]), SCOPE, nothing, CHAT) as reply:
        await deliver(reply, client, {})
    assert [message["body"] for message in client.messages[1:]] == [
        b'data: {"n":1}\n\n',
        b'data: {"n":2}\n\n',
        b"data: [DONE]\n\n",
    ]


async def test_comments_and_empty_events_are_left_out() -> None:
    async with replied(says([b": ping\n\n\n\ndata: {}\n\ndata: [DONE]\n\n"]), SCOPE, nothing, CHAT) as reply:
        assert await collected(reply.answered) == [{}]


async def test_a_stream_without_its_last_empty_line_loses_nothing() -> None:
    async with replied(says([b'data: {"n":1}\n\ndata: {"n":2}']), SCOPE, nothing, CHAT) as reply:
        assert await collected(reply.answered) == [{"n": 1}, {"n": 2}]


async def test_a_named_event_keeps_its_name() -> None:
    client = Client()
    async with replied(says([b'event: delta\ndata: {"n":1}\n\n']), SCOPE, nothing, CHAT) as reply:
        await deliver(reply, client, {})
    assert client.body.startswith(b'event: delta\ndata: {"n":1}\n\n')


async def test_a_whole_answer_has_one_chunk_at_the_end_too() -> None:
    for chunks in ([], [Chunk.of({}, COMPLETION), Chunk.of({}, COMPLETION)]):
        with pytest.raises(EngineFailure):
            await deliver(Reply(200, "application/json", chunks=stream(chunks)), Client(), {})


async def test_an_answer_that_the_engine_broke_off_is_no_answer() -> None:
    said = {"choices": [{"index": 0, "message": {"content": 'He said "abort".'}, "finish_reason": "stop"}]}
    async with replied(answers(said), SCOPE, nothing, CHAT) as reply:
        assert await collected(reply.answered) == [said]
    broken = {"choices": [{"index": 0, "message": {"content": "He"}, "finish_reason": "abort"}]}
    with pytest.raises(EngineFailure, match="broke an answer off"):
        async with replied(answers(broken), SCOPE, nothing, CHAT) as reply:
            await collected(reply.answered)


async def test_a_stream_that_the_engine_broke_off_fails_there() -> None:
    begun = {"choices": [{"index": 0, "delta": {"content": "He"}, "finish_reason": None}]}
    broken = {"choices": [{"index": 0, "delta": {}, "finish_reason": "abort"}]}
    client = Client()
    with pytest.raises(EngineFailure, match="broke an answer off"):
        async with replied(says([events(begun, broken)]), SCOPE, nothing, CHAT) as reply:
            await deliver(reply, client, {})
    assert [b"He" in message["body"] for message in client.messages[1:]] == [True]
