"""The engine's answer on its way to the client: headers added, dead ends told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

from server.errors import EngineFailure
from server.metrics import Metrics

CONTENT_FILTER = "content_filter"


class AnswerFilter:
    """An ASGI `send` that passes vLLM's answer on, whole or streamed, with one change.

    A choice that ended on the engine's dead-end token had nothing left to say under the guard: its `finish_reason` becomes
    `content_filter`, which is what OpenAI's API calls an answer cut short by a filter.

    Under a grammar (`constrained`) vLLM 0.32 cannot take that token: its grammar rejects it, and the request ends in an
    internal error (500, or an error event in a stream). There that error is read as the dead end it is: a stream gets its last
    chunk from here; a whole answer is held back and `starved` set, for the caller to ask for an empty one.
    """

    def __init__(
        self, send: Send, headers: Mapping[str, str], dead_end: int, metrics: Metrics, *, constrained: bool = False
    ) -> None:
        self.starved = False
        self._send = send
        self._headers = headers
        self._dead_end = dead_end
        # vLLM writes compact JSON, and inside a string the quotes would be escaped: what lacks this needs no parsing.
        self._sign = f'"stop_reason":{dead_end}'.encode()
        self._metrics = metrics
        self._constrained = constrained
        self._start: Message | None = None
        self._streams = False
        self._held = b""
        # In a constrained stream: the last chunk, and the choices that have not ended.
        self._chunk: dict[str, Any] = {}
        self._open: dict[int, str] = {}

    async def __call__(self, message: Message) -> None:
        """Take one ASGI message of the engine's answer."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            headers.update(self._headers)
            self._streams = headers.get("content-type", "").startswith("text/event-stream")
            if self._streams:
                await self._send(message)
            else:
                self._start = message  # its content-length is known only when the body is
        elif message["type"] == "http.response.body":
            await (self._event(message) if self._streams else self._whole(message))
        else:
            await self._send(message)

    async def _whole(self, message: Message) -> None:
        self._held += message.get("body", b"")
        if message.get("more_body", False):
            return
        if self._start is None:
            raise EngineFailure("the engine sent a body without a status")
        if self._constrained and self._start["status"] == 500:
            self.starved = True
            return
        body = self._told(self._held) if self._start["status"] == 200 else self._held
        MutableHeaders(raw=self._start["headers"])["content-length"] = str(len(body))
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": body})

    async def _event(self, message: Message) -> None:
        more = message.get("more_body", False)
        *events, self._held = (self._held + message.get("body", b"")).split(b"\n\n")
        out = b"".join(self._data(event) + b"\n\n" for event in events)
        if not more:
            out, self._held = out + self._data(self._held), b""
        if out or not more:
            await self._send({"type": "http.response.body", "body": out, "more_body": more})

    def _data(self, event: bytes) -> bytes:
        prefix, data = event[:6], event[6:]
        if prefix != b"data: ":
            return event
        data = self._told(data)
        return prefix + (self._followed(data) if self._constrained and data[:1] == b"{" else data)

    def _told(self, data: bytes) -> bytes:
        if self._sign not in data:
            return data
        answer = _parsed(data)
        changed = False
        for choice in answer.get("choices", []):
            if choice.get("stop_reason") == self._dead_end:
                choice["finish_reason"] = CONTENT_FILTER
                choice["stop_reason"] = None
                self._metrics.dead_end()
                changed = True
        return _written(answer) if changed else data

    def _followed(self, data: bytes) -> bytes:
        chunk = _parsed(data)
        if "error" not in chunk:
            for choice in chunk.get("choices", []):
                self._open[choice["index"]] = "delta" if "delta" in choice else "text"
                if choice.get("finish_reason"):
                    del self._open[choice["index"]]
            self._chunk = chunk
            return data
        if chunk["error"].get("code") != 500 or not self._open:
            return data
        ended = [
            {"index": index, text: {} if text == "delta" else "", "finish_reason": CONTENT_FILTER, "stop_reason": None}
            for index, text in self._open.items()
        ]
        for _ in ended:
            self._metrics.dead_end()
        return _written({**{key: self._chunk.get(key) for key in ("id", "object", "created", "model")}, "choices": ended})


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(data)
    except ValueError as error:
        raise EngineFailure("the engine sent something that is not JSON") from error
    return answer


def _written(answer: Mapping[str, Any]) -> bytes:
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
