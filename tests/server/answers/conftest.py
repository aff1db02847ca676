"""Engines that answer from a script, for tests of what becomes of an answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from server.answers.chunk import Chunk, Chunks
from server.openai.forms import ChatForm, CompletionForm

CHAT, COMPLETION = ChatForm(), CompletionForm()
SCOPE: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}


async def nothing() -> dict[str, Any]:
    """A client that waits."""
    await asyncio.Event().wait()
    raise AssertionError


def events(*bodies: Mapping[str, Any] | str) -> bytes:
    """Return a stream of these chunks, and `[DONE]`."""
    data = [body if isinstance(body, str) else json.dumps(body, separators=(",", ":")) for body in bodies]
    return b"".join(f"data: {each}\n\n".encode() for each in [*data, "[DONE]"])


def says(parts: Iterable[bytes], media_type: str = "text/event-stream", status: int = 200) -> ASGIApp:
    """Return an application that sends these parts."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", media_type.encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return app


def answers(body: Mapping[str, Any], status: int = 200) -> ASGIApp:
    """Return an application that sends one JSON object."""
    return says([json.dumps(body, separators=(",", ":")).encode()], "application/json", status)


class Client:
    """An ASGI `send` that keeps what it was sent."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def __call__(self, message: Any) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.messages[0]["headers"]}

    @property
    def body(self) -> bytes:
        assert [message.get("more_body", False) for message in self.messages[1:]][-1] is False
        return b"".join(message["body"] for message in self.messages[1:])

    @property
    def chunks(self) -> list[Any]:
        """The stream's chunks, parsed; the last event must be `[DONE]`."""
        data = [event.removeprefix(b"data: ") for event in self.body.split(b"\n\n") if event]
        assert data[-1] == b"[DONE]"
        return [json.loads(each) for each in data[:-1]]


async def stream(chunks: Sequence[Chunk]) -> Chunks:
    """Give these chunks."""
    for chunk in chunks:
        yield chunk


async def collected(chunks: Chunks) -> list[Any]:
    """Return the bodies of all chunks."""
    return [chunk.body async for chunk in chunks]
