"""What a client of the responses is told."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from server.answers.chunk import Chunk, Chunks
from server.answers.events import EventReader
from server.answers.reply import Reply
from server.errors import BadRequest, EngineFailure, TookTooLong
from server.openai.responses.telling import ResponseTelling
from tests.server.openai.responses.chats import FORM, NAMED, streamed, whole

SENT = {"model": "fake", "input": "Hi"}


async def given(chunks: Iterable[Chunk]) -> Chunks:
    for chunk in chunks:
        yield chunk


def telling() -> ResponseTelling:
    told = ResponseTelling()
    told.asked(SENT)
    return told


async def test_a_whole_answer_is_one_response() -> None:
    reply = telling().told(Reply(200, "application/json", chunks=given([whole(content="Tea.")])))
    (chunk,) = [chunk async for chunk in reply.answered]
    assert (chunk.body["object"], chunk.body["id"], chunk.body["status"]) == ("response", "resp_7", "completed")


async def test_an_answer_without_a_choice_is_no_answer() -> None:
    reply = telling().told(Reply(200, "application/json", chunks=given([Chunk.of({**NAMED, "choices": []}, FORM)])))
    with pytest.raises(EngineFailure):
        [chunk async for chunk in reply.answered]


async def test_events_have_their_type_as_a_name_and_nothing_follows_the_last() -> None:
    reply = telling().told(Reply(200, "text/event-stream; charset=utf-8", chunks=given(streamed([("content", "Tea.")]))))
    chunks = [chunk async for chunk in reply.answered]
    assert [chunk.name for chunk in chunks] == [chunk.body["type"].encode() for chunk in chunks]
    assert chunks[-1].name == b"response.completed"
    assert reply.done == b""


async def test_a_stream_whose_time_is_over_is_closed_and_has_failed() -> None:
    told = telling()
    reply = told.told(Reply(200, "text/event-stream", chunks=given(streamed([("content", "Te"), ("content", "a")])[:2])))
    chunks = reply.answered
    begun = [await anext(chunks) for _ in range(5)]
    last = [(event.name, json.loads(event.data)) for event in EventReader().feed(told.broken(TookTooLong("Too long.")))]
    assert begun[-1].body["delta"] == "Te"
    assert [name for name, _ in last] == [
        b"response.output_text.done",
        b"response.content_part.done",
        b"response.output_item.done",
        b"response.failed",
    ]
    numbers = [chunk.body["sequence_number"] for chunk in begun] + [event["sequence_number"] for _, event in last]
    assert numbers == list(range(9))
    assert last[-1][1]["response"]["error"] == {"code": "server_error", "message": "Too long."}


def test_an_error_is_blamed_on_what_the_client_sent_once_it_was_read() -> None:
    error = BadRequest("`messages` is wrong.", param="messages")
    assert telling().refused(error).param == "input"
    assert ResponseTelling().refused(error) is error


def test_an_error_of_the_engine_stays_an_error() -> None:
    reply = Reply(400, "application/json", b"{}")
    assert telling().told(reply) is reply
