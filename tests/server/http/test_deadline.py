"""A request ends when its time is over, and the client is told."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.types import Message, Send

from server.errors import NotReady, TookTooLong
from server.http.deadline import within
from server.http.draining import Draining


class Sent(list[Message]):
    async def __call__(self, message: Message) -> None:
        self.append(message)


def start(media: bytes) -> dict[str, Any]:
    return {"type": "http.response.start", "status": 200, "headers": [(b"content-type", media)]}


async def test_what_is_in_time_is_sent_as_it_is() -> None:
    sent = Sent()

    async def serve(send: Send) -> None:
        await send(start(b"application/json"))

    await within(10, serve, sent, Draining())
    assert sent == [start(b"application/json")]


async def test_its_own_errors_and_timeouts_are_raised() -> None:
    async def fails(send: Send) -> None:
        raise TimeoutError("of the store")

    with pytest.raises(TimeoutError, match="of the store"):
        await within(10, fails, Sent(), Draining())


async def test_before_the_answer_it_is_a_504_and_the_work_is_cancelled() -> None:
    ended = asyncio.Event()

    async def serve(send: Send) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(TookTooLong) as caught:
        await within(0.01, serve, Sent(), Draining())
    assert (caught.value.status, caught.value.code) == (504, "timeout")
    assert ended.is_set()


async def test_in_a_stream_it_is_an_event() -> None:
    sent = Sent()

    async def serve(send: Send) -> None:
        await send(start(b"text/event-stream; charset=utf-8"))
        await asyncio.Event().wait()

    await within(0.01, serve, sent, Draining())
    error, done, end = sent[-1]["body"].decode().split("\n\n")
    assert json.loads(error.removeprefix("data: "))["error"]["code"] == "timeout"
    assert (done, end) == ("data: [DONE]", "")
    assert sent[-1]["more_body"] is False


async def test_a_whole_answer_that_has_begun_has_no_place_for_an_error() -> None:
    async def serve(send: Send) -> None:
        await send(start(b"application/json"))
        await asyncio.Event().wait()

    with pytest.raises(TookTooLong):
        await within(0.01, serve, Sent(), Draining())


@pytest.mark.parametrize("streams", [False, True])
async def test_when_the_server_stops_it_says_so(streams: bool) -> None:
    sent, draining = Sent(), Draining()

    async def serve(send: Send) -> None:
        with draining.request():
            if streams:
                await send(start(b"text/event-stream"))
            await asyncio.Event().wait()

    request = asyncio.create_task(within(1000, serve, sent, draining))
    await asyncio.sleep(0)
    await draining.finish(0)
    if streams:
        await request
        assert b'"code": "stopping"' in sent[-1]["body"]
    else:
        with pytest.raises(NotReady):
            await request


@pytest.mark.slow
async def test_a_client_that_takes_nothing_is_not_waited_for() -> None:
    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def serve(send: Send) -> None:
        await send(start(b"text/event-stream"))
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(within(0.01, serve, send, Draining()), 10)
