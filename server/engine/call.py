"""A call of an engine's application: the caller gets the status and headers first, and then reads the body in parts.

An ASGI application pushes: it calls `send` for each part of its answer. Code that reads an answer, delays parts of it or asks the
engine again is simpler if it pulls. This module turns the one into the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope

from server.errors import EngineFailure

# The most parts of a body that wait to be read. If there are more, the application waits, as it does for a slow client.
_WAITING = 64
# Seconds that an application may take to end after it has received that its client has left.
_TO_END_S = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An engine's answer: its status, its headers, and its body in parts, which can be read once."""

    status: int
    headers: Headers
    parts: AsyncIterator[bytes]

    async def whole(self) -> bytes:
        """Return the whole body. Raises what the application raises, and EngineFailure if it ends too early."""
        return b"".join([part async for part in self.parts])


@asynccontextmanager
async def called(app: ASGIApp, scope: Scope, receive: Receive) -> AsyncIterator[Answer]:
    """Call `app` and yield its answer as soon as its status is known. The call ends when the block ends.

    If the block ends before the answer is complete, the request is aborted: the application receives that its client has left. It
    is not cancelled at once, because vLLM would then go on generating an answer that is not streamed.

    Raises:
        ClientDisconnect: The client has left.
        EngineFailure: The application ended without an answer or in the middle of one.
        Exception: What the application raises, when the block reads.
    """
    messages: asyncio.Queue[Message | None] = asyncio.Queue(_WAITING)
    left = asyncio.Event()
    heard = _Receiver(receive, left)

    async def send(message: Message) -> None:
        if not left.is_set():
            await messages.put(message)

    async def run() -> None:
        try:
            await app(scope, heard, send)
        finally:
            # A full queue needs no end mark: when the reader has emptied it, it sees that the call is done.
            if not messages.full():
                messages.put_nowait(None)

    call = asyncio.create_task(run(), name="engine call")

    async def following() -> Message:
        message = None if messages.empty() and call.done() else await messages.get()
        if message is None:
            await call
            # When its client leaves, vLLM ends a stream at once, and answers `null` if it does not stream.
            raise ClientDisconnect if heard.disconnect else EngineFailure("the engine ended its answer before it was complete")
        return message

    async def parts() -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await following()
            if message["type"] != "http.response.body":
                continue
            more = message.get("more_body", False)
            if heard.disconnect:
                raise ClientDisconnect
            if body := message.get("body", b""):
                yield body

    try:
        start = await following()
        if start["type"] != "http.response.start":
            raise EngineFailure("the engine sent the body of an answer before its status")
        yield Answer(start["status"], Headers(raw=start.get("headers", [])), parts())
    finally:
        left.set()
        while not messages.empty():  # so that an application that waits in `send` continues
            messages.get_nowait()
        # An error of the application no longer matters to anyone.
        with suppress(Exception):
            await asyncio.wait_for(call, _TO_END_S)


class _Receiver:
    """An ASGI `receive` that returns a disconnect as soon as the client has left or `left` is set."""

    def __init__(self, receive: Receive, left: asyncio.Event) -> None:
        self.disconnect = False
        """Whether the client itself has left."""
        self._receive = receive
        self._left = left

    async def __call__(self) -> Message:
        if self._left.is_set():
            return {"type": "http.disconnect"}
        heard, leaving = asyncio.ensure_future(self._receive()), asyncio.ensure_future(self._left.wait())
        try:
            await asyncio.wait((heard, leaving), return_when=asyncio.FIRST_COMPLETED)
            message = heard.result() if heard.done() else {"type": "http.disconnect"}
            self.disconnect = self.disconnect or (heard.done() and message["type"] == "http.disconnect")
            return message
        finally:
            heard.cancel()
            leaving.cancel()
