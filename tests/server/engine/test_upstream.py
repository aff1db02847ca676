"""The engines behind a router: what is passed on, and what becomes of an answer that breaks off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from server.engine.call import called
from server.engine.upstream import Upstream
from server.errors import EngineFailure


def upstream(handler: Any) -> Upstream:
    return Upstream("http://router", "secret", httpx.MockTransport(handler))


def scope(path: str = "/v1/completions", method: str = "POST", **headers: str) -> dict[str, Any]:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": method, "path": path, "headers": pairs}


def body(*parts: bytes) -> Any:
    """Return a `receive` that gives a body in parts, and then waits as for a client that stays."""
    left = list(parts)

    async def receive() -> dict[str, Any]:
        if left:
            part = left.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(left)}
        await asyncio.Event().wait()
        raise AssertionError

    return receive


class Parts(httpx.AsyncByteStream):
    """An answer in parts, which may break off."""

    def __init__(self, *parts: bytes | Exception) -> None:
        self.parts = parts
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            if isinstance(part, Exception):
                raise part
            yield part
            await asyncio.sleep(0)

    async def aclose(self) -> None:
        self.closed = True


async def test_a_request_is_passed_on_without_the_client_s_key() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"said": 1}, headers={"x-secret": "no"})

    asked = scope(authorization="Bearer of-the-client", content_type="application/json", x_request_id="r", cookie="c")
    async with called(upstream(answer), asked, body(b'{"a":', b"1}")) as reply:
        assert (reply.status, await reply.whole()) == (200, b'{"said":1}')
        assert set(reply.headers.keys()) == {"content-type"}
    (request,) = seen
    assert (request.method, str(request.url), request.content) == ("POST", "http://router/v1/completions", b'{"a":1}')
    assert request.headers["authorization"] == "Bearer secret"
    assert request.headers["x-request-id"] == "r"
    assert "cookie" not in request.headers


@pytest.mark.parametrize("status", [400, 404, 429, 503])
async def test_an_error_is_passed_on(status: int) -> None:
    told = httpx.Response(status, json={"error": {"message": "no"}}, headers={"retry-after": "7"})
    async with called(upstream(lambda _: told), scope(), body(b"{}")) as reply:
        assert (reply.status, await reply.whole()) == (status, b'{"error":{"message":"no"}}')
        assert reply.headers["retry-after"] == "7"


async def test_a_router_that_cannot_be_reached_is_503() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    async with called(upstream(refuse), scope(), body(b"{}")) as reply:
        assert reply.status == 503
        assert b"No engine can be reached" in await reply.whole()
    assert not await upstream(refuse).ask("/health")


def stream(*parts: bytes | Exception) -> Upstream:
    return upstream(lambda _: httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Parts(*parts)))


async def test_a_stream_is_passed_on_as_it_comes() -> None:
    async with called(stream(b"data: 1\n\n", b"data: [DONE", b"]\n\n"), scope(), body(b"{}")) as reply:
        assert [part async for part in reply.parts] == [b"data: 1\n\n", b"data: [DONE", b"]\n\n"]


@pytest.mark.parametrize("end", [[], [httpx.ReadError("reset")], [httpx.RemoteProtocolError("incomplete")]])
async def test_a_stream_without_its_end_is_a_failure_even_if_the_router_ends_it_in_good_order(end: list[Exception]) -> None:
    async with called(stream(b"data: 1\n\n", *end), scope(), body(b"{}")) as reply:
        with pytest.raises(EngineFailure):
            await reply.whole()


async def test_when_the_reader_stops_the_request_upstream_is_closed() -> None:
    endless = Parts(*[b"data: 1\n\n"] * 100_000)
    answer = httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=endless)
    async with called(upstream(lambda _: answer), scope(), body(b"{}")) as reply:
        assert await anext(reply.parts) == b"data: 1\n\n"
    assert endless.closed


async def test_a_client_that_leaves_before_the_answer_ends_the_request() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def never(_: httpx.Request) -> httpx.Response:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    heard = iter([{"type": "http.request", "body": b"{}"}])

    async def receive() -> dict[str, Any]:
        for message in heard:
            return message
        await began.wait()
        return {"type": "http.disconnect"}

    async def send(_: Any) -> None:
        raise AssertionError

    await asyncio.wait_for(upstream(never)(scope(), receive, send), 5)
    assert ended.is_set()
