"""Replies: an engine's answer as chunks, streamed or whole, from the engine to the client.

application ── bytes ──▶ `replied` ── chunks ──▶ steps ── chunks ──▶ `deliver` ── bytes ──▶ client
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from server.answers.chunk import Chunk, Chunks, Form, Step, piped
from server.answers.events import DONE, MEDIA_TYPE, Event, EventReader, written
from server.engine.call import called
from server.errors import EngineFailure


@dataclass(frozen=True, slots=True)
class Reply:
    """An engine's reply: an answer in chunks, or an error as the engine wrote it.

    Attributes:
        status: The HTTP status. Only a reply with status 200 has chunks.
        media_type: The content type of the body.
        error: The body of a reply with any other status.
        chunks: The answer: one chunk if it is whole, many if it is streamed. They can be read once.
        done: The data of the event after the last chunk of a stream; b"" if there is no such event.
    """

    status: int
    media_type: str
    error: bytes = b""
    chunks: Chunks | None = None
    done: bytes = DONE

    @property
    def streams(self) -> bool:
        """Whether the body is a stream of events."""
        return self.media_type.startswith(MEDIA_TYPE)

    @property
    def failure(self) -> Mapping[str, Any]:
        """What the engine says about an error; {} if it says nothing that can be read."""
        try:
            error = json.loads(self.error)["error"]
        except (ValueError, KeyError, TypeError):
            return {}
        return error if isinstance(error, dict) else {}

    @property
    def answered(self) -> Chunks:
        """The chunks of an answer. Raises EngineFailure if the reply is an error."""
        if self.chunks is None:
            raise EngineFailure(f"the engine answered with status {self.status}")
        return self.chunks

    def after(self, *steps: Step) -> Reply:
        """Return the reply with its chunks after `steps`. An error stays as it is."""
        return self if self.chunks is None else replace(self, chunks=piped(self.chunks, steps))


@asynccontextmanager
async def replied(app: ASGIApp, scope: Scope, receive: Receive, form: Form) -> AsyncIterator[Reply]:
    """Call the engine's application and yield its reply, whose chunks have the form `form`.

    If the block ends before it has read all chunks, the request is aborted. Raises what `called` raises, also while the block
    reads chunks.
    """
    async with called(app, scope, receive) as answer:
        media_type = answer.headers.get("content-type", "application/json")
        if answer.status != 200:
            yield Reply(answer.status, media_type, await answer.whole())
        elif media_type.startswith(MEDIA_TYPE):
            yield Reply(200, media_type, chunks=_streamed(answer.parts, form))
        else:
            yield Reply(200, media_type, chunks=single(_unbroken(Chunk(await answer.whole(), form))))


async def single(chunk: Chunk) -> Chunks:
    """Yield one chunk."""
    yield chunk


async def only(chunks: Chunks) -> Chunk:
    """Return the chunk of a whole answer. Raises EngineFailure if there is not exactly one."""
    found = [chunk async for chunk in chunks]
    if len(found) != 1:
        raise EngineFailure(f"the engine's answer has {len(found)} chunks, but it is not streamed and must have one")
    return found[0]


async def _streamed(parts: AsyncIterator[bytes], form: Form) -> Chunks:
    reader = EventReader()
    async for part in parts:
        for event in reader.feed(part):
            if event.data and event.data != DONE:
                yield _unbroken(Chunk(event.data, form, event.name))
    for event in reader.end():
        if event.data and event.data != DONE:
            yield _unbroken(Chunk(event.data, form, event.name))


def _unbroken(chunk: Chunk) -> Chunk:
    """Return a chunk. Raises EngineFailure if the engine broke a choice off, as it does when it ends: that is no whole answer."""
    # A chunk without these bytes need not be parsed.
    if b'"abort"' in chunk.data and any(piece.finish_reason == "abort" for piece in chunk.pieces):
        raise EngineFailure("the engine broke an answer off, because it ends")
    return chunk


async def deliver(reply: Reply, send: Send, headers: Mapping[str, str]) -> None:
    """Send a reply to the client with `headers` added. Raises EngineFailure if a whole answer has not exactly one chunk."""
    if reply.chunks is not None and reply.streams:
        await send(_start(reply, headers))
        async for chunk in reply.chunks:
            await _body(send, written(Event(chunk.data, chunk.name)), more=True)
        await _body(send, written(Event(reply.done)) if reply.done else b"", more=False)
        return
    body = reply.error
    if reply.chunks is not None:
        body = (await only(reply.chunks)).data
    await send(_start(reply, {**headers, "content-length": str(len(body))}))
    await _body(send, body, more=False)


def _start(reply: Reply, headers: Mapping[str, str]) -> dict[str, object]:
    sent: Sequence[tuple[str, str]] = [("content-type", reply.media_type), *headers.items()]
    return {
        "type": "http.response.start",
        "status": reply.status,
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in sent],
    }


async def _body(send: Send, body: bytes, *, more: bool) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})
