"""A call of an engine's application: the answer's status and headers at once, its body as it comes.

ASGI pushes: an application calls `send` for each part of its answer. Code that looks at an answer on its way, holds parts of
it back or asks the engine again is simpler if it pulls. This module turns the one into the other.
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

# Parts of a body that may wait to be read. With more the application waits, as it would for a slow client.
_WAITING = 64
# Seconds that an application may take to end after it heard that its client has left.
_TO_END_S = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An engine's answer: its status, its headers, and its body in parts. The body can be read once."""

    status: int
    headers: Headers
    parts: AsyncIterator[bytes]

    async def whole(self) -> bytes:
        """Read the body to its end. Raises what the application raises, and EngineFailure where it stops short."""
        return b"".join([part async for part in self.parts])


@asynccontextmanager
async def called(app: ASGIApp, scope: Scope, receive: Receive) -> AsyncIterator[Answer]:
    """Call `app` and yield its answer as soon as its status is known; end the call at the end of the block.

    A block that ends before the answer is complete aborts the request: the application hears that its client has left. It is not
    cancelled at once, because vLLM then goes on generating an answer that is not streamed.

    Raises:
        ClientDisconnect: the client has left, so nobody waits for the answer.
        EngineFailure: the application ended without an answer, or in the middle of one.
        Exception: whatever the application raises, where the block reads.
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
            # A full queue needs no end: the reader finds that the call is done when the queue is empty.
            if not messages.full():
                messages.put_nowait(None)

    call = asyncio.create_task(run(), name="engine call")

    async def following() -> Message:
        message = None if messages.empty() and call.done() else await messages.get()
        if message is None:
            await call
            # vLLM ends a stream at once when its client leaves, and answers `null` where it does not stream.
            raise ClientDisconnect if heard.disconnect else EngineFailure("the engine ended its answer early")
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
            raise EngineFailure("the engine sent a body without a status")
        yield Answer(start["status"], Headers(raw=start.get("headers", [])), parts())
    finally:
        left.set()
        while not messages.empty():  # so that an application that waits in `send` goes on
            messages.get_nowait()
        # Whatever it raises now, nobody waits for its answer.
        with suppress(Exception):
            await asyncio.wait_for(call, _TO_END_S)


class _Receiver:
    """An ASGI `receive` that says that the client has left, as soon as it has or `left` is set."""

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
