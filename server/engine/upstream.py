"""The engines behind a router, as an ASGI application: it passes a request on, and the answer back as it comes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx
from starlette.types import Receive, Scope, Send

from server.errors import EngineFailure

# Nothing else of a client's request concerns an engine: its key least of all.
_PASSED = ("content-type", "accept", "x-request-id")
_ANSWERED = ("content-type", "retry-after")
_STREAM, _DONE = "text/event-stream", b"[DONE]"
_CONNECT_S = 5.0
# A client may read slowly and a model may think long: `server.http.deadline` limits the whole request.
_TIMEOUT = httpx.Timeout(None, connect=_CONNECT_S)
# More connections than requests are worked on at once (GUARD_MAX_CONCURRENT per client) would only wait at the engines.
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=256)


class Upstream:
    """An ASGI application that asks a router, and through it an engine.

    When the client leaves, the request upstream is closed, and the engine aborts it. An error of the router or of an engine is
    passed on with its status. A router that cannot be reached is answered with 503. An answer that breaks off raises
    EngineFailure, as does a stream that ends without its last event: a router may end it in good order although the engine died.

    Args:
        url: The router's base URL.
        key: A bearer token for the router or the engines; None if they want none.
        transport: How requests are sent; over the network if None.
    """

    def __init__(self, url: str, key: str | None = None, transport: httpx.AsyncBaseTransport | None = None) -> None:
        # "identity": what is compressed cannot be passed on piece by piece.
        headers = {"accept-encoding": "identity"} | ({"authorization": f"Bearer {key}"} if key else {})
        known: dict[str, Any] = {"headers": headers, "timeout": _TIMEOUT, "limits": _LIMITS, "transport": transport}
        self._client = httpx.AsyncClient(base_url=url, **known)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def ask(self, path: str) -> bool:
        """Return whether the router answers GET `path` with status 200."""
        try:
            return (await self._client.get(path, timeout=_CONNECT_S)).status_code == 200
        except httpx.HTTPError:
            return False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on. Raises EngineFailure if the answer breaks off."""
        if scope["type"] != "http":
            raise EngineFailure("only HTTP is passed on to engines")
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        passing = asyncio.create_task(self._pass(scope, bytes(body), send), name="upstream call")
        leaving = asyncio.create_task(_left(receive), name="upstream client")
        try:
            await asyncio.wait((passing, leaving), return_when=asyncio.FIRST_COMPLETED)
            if passing.done():
                passing.result()
        finally:
            leaving.cancel()
            passing.cancel()
            # So that the request upstream is closed before this call ends.
            await asyncio.gather(passing, return_exceptions=True)

    async def _pass(self, scope: Scope, body: bytes, send: Send) -> None:
        given = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        headers = {name: given[name] for name in _PASSED if name in given}
        begun = False
        try:
            async with self._client.stream(scope["method"], scope["path"], content=body, headers=headers) as answer:
                begun = True
                kept = {name: answer.headers[name] for name in _ANSWERED if name in answer.headers}
                await send(_start(answer.status_code, kept))
                streams = answer.status_code == 200 and kept.get("content-type", "").startswith(_STREAM)
                end = b""
                async for part in answer.aiter_bytes():
                    end = (end + part)[-64:] if streams else b""
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                if streams and not end.rstrip().endswith(_DONE):
                    raise EngineFailure("the engine ended its answer before it was complete")
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except httpx.HTTPError as error:
            if begun:
                raise EngineFailure(f"the engine's answer broke off ({type(error).__name__})") from None
            await self._unreachable(send)

    @staticmethod
    async def _unreachable(send: Send) -> None:
        told = {"message": "No engine can be reached now. Try again.", "type": "server_error", "param": None, "code": 503}
        await send(_start(503, {"content-type": "application/json", "retry-after": "5"}))
        await send({"type": "http.response.body", "body": json.dumps({"error": told}).encode(), "more_body": False})


def _start(status: int, headers: Mapping[str, str]) -> dict[str, Any]:
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": encoded}


async def _left(receive: Receive) -> None:
    """Wait until the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
