from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from server.engine.call import called
from server.errors import EngineFailure

SCOPE: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}


async def nothing() -> dict[str, Any]:
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_whole_answer_has_status_headers_and_body() -> None:
    async with called(JSONResponse({"a": 1}, 418, {"x-y": "z"}), SCOPE, nothing) as answer:
        assert (answer.status, answer.headers["x-y"], await answer.whole()) == (418, "z", b'{"a":1}')


async def test_parts_come_one_by_one() -> None:
    go = asyncio.Event()

    async def slowly() -> Any:
        yield b"first"
        await go.wait()
        yield b"second"

    async with called(StreamingResponse(slowly()), SCOPE, nothing) as answer:
        parts = aiter(answer.parts)
        assert await anext(parts) == b"first"
        go.set()
        assert [part async for part in parts] == [b"second"]


async def test_a_long_answer_waits_for_its_reader() -> None:
    made = 0

    async def many() -> Any:
        nonlocal made
        for _ in range(1000):
            made += 1
            yield b"x"

    async with called(StreamingResponse(many()), SCOPE, nothing) as answer:
        await asyncio.sleep(0.01)
        assert made < 100
        assert len(await answer.whole()) == 1000


async def test_leaving_the_block_tells_the_application_that_its_client_has_left() -> None:
    heard: list[str] = []

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        departure = asyncio.create_task(receive())
        while not departure.done():
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            await asyncio.sleep(0)
        heard.append(departure.result()["type"])

    async with called(endless, SCOPE, nothing) as answer:
        assert await anext(aiter(answer.parts)) == b"x"
    assert heard == ["http.disconnect"]


async def test_an_application_that_does_not_listen_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.engine.call._TO_END_S", 0.01)
    cancelled = asyncio.Event()

    async def deaf(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with called(deaf, SCOPE, nothing):
        pass
    assert cancelled.is_set()


async def gone() -> dict[str, Any]:
    return {"type": "http.disconnect"}


async def test_a_client_that_leaves_ends_the_reading() -> None:
    async def answers_null(scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "http.disconnect"
        await JSONResponse(None)(scope, receive, send)

    async with called(answers_null, SCOPE, gone) as answer:
        with pytest.raises(ClientDisconnect):
            await answer.whole()


async def test_a_client_that_leaves_before_the_status_ends_the_call() -> None:
    async def stops(scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "http.disconnect"

    with pytest.raises(ClientDisconnect):
        async with called(stops, SCOPE, gone):
            pass


async def test_what_the_application_raises_reaches_the_reader() -> None:
    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("broken")

    async with called(fails, SCOPE, nothing) as answer:
        with pytest.raises(ValueError, match="broken"):
            await answer.whole()


@pytest.mark.parametrize("messages", [[], [{"type": "http.response.body", "body": b"x"}]])
async def test_an_answer_without_a_status_is_a_failure(messages: list[dict[str, Any]]) -> None:
    async def odd(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    with pytest.raises(EngineFailure):
        async with called(odd, SCOPE, nothing):
            pass


async def test_an_answer_that_stops_short_is_a_failure() -> None:
    async def short(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(200):
            await send({"type": "http.response.body", "body": b"x", "more_body": True})

    async with called(short, SCOPE, nothing) as answer:
        with pytest.raises(EngineFailure, match="before it was complete"):
            await answer.whole()
