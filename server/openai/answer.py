"""The engine's answer on its way to the client: headers added, dead ends told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

from server.errors import EngineFailure
from server.eventstream import DONE, Events, data_of, event_of, parsed, written
from server.metrics import Metrics

CONTENT_FILTER = "content_filter"


class AnswerFilter:
    """An ASGI `send` that passes vLLM's answer on, whole or streamed, with one change.

    A choice that ended on the engine's dead-end token had nothing left to say under the guard: its `finish_reason` becomes
    `content_filter`, which is what OpenAI's API calls an answer cut short by a filter.

    Under a grammar (`constrained`) vLLM 0.32 cannot take that token: its grammar rejects it, and the request, which must be for
    one choice, ends in an internal error (500, or an error event in a stream). That error is read as the dead end it is. A stream
    in which something was sent gets its last chunks from here: one that ends the choice, and one with the usage if chunks told
    it. Anything else is held back and `starved` is set, so that the caller asks for an empty answer and passes it on by a filter
    that `continues` this one.

    With `hides_usage` the usage is told at the end of a stream alone: the client did not ask for it in each chunk.
    """

    def __init__(
        self,
        send: Send,
        headers: Mapping[str, str],
        dead_end: int,
        metrics: Metrics,
        *,
        constrained: bool = False,
        hides_usage: bool = False,
        continues: AnswerFilter | None = None,
    ) -> None:
        self.starved = False
        self._send = send
        self._headers = headers
        self._dead_end = dead_end
        # vLLM writes compact JSON, and inside a string the quotes would be escaped: what lacks this needs no parsing.
        self._sign = f'"stop_reason":{dead_end}'.encode()
        self._metrics = metrics
        self._constrained = constrained
        self._hides_usage = hides_usage
        self._streams = False
        # Whether the client has the beginning of the stream already.
        self._started: bool = continues is not None and continues._streams
        self._start: Message | None = None
        self._held = b""
        self._events = Events()
        # In a constrained stream: the last chunk with a choice, and the last usage told.
        self._chunk: dict[str, Any] | None = None
        self._usage: dict[str, Any] | None = None

    async def __call__(self, message: Message) -> None:
        """Take one ASGI message of the engine's answer. Raises EngineFailure for an answer that cannot be passed on."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            headers.update(self._headers)
            self._streams = headers.get("content-type", "").startswith("text/event-stream")
            if self._streams and not self._started:
                await self._send(message)
            elif self._started and not self._streams:
                raise EngineFailure(f"the engine ended a stream with status {message['status']}")
            else:
                self._start = message  # its content-length is known only when the body is
        elif message["type"] == "http.response.body":
            await (self._streamed(message) if self._streams else self._whole(message))
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

    async def _streamed(self, message: Message) -> None:
        more = message.get("more_body", False)
        out = b"".join(self._event(event) for event in self._events.feed(message.get("body", b""), more=more))
        # The stream of a starved choice goes on with the answer that the caller asks for.
        more_to_come = more or self.starved
        if out or not more_to_come:
            await self._send({"type": "http.response.body", "body": out, "more_body": more_to_come})

    def _event(self, event: bytes) -> bytes:
        """Return what the client gets of an event, which may be nothing, or several."""
        if self.starved:
            return b""
        data = data_of(event)
        if data is None:
            return event + b"\n\n"
        data = self._told(data)
        return self._followed(data) if (self._constrained or self._hides_usage) and data != DONE else event_of(data)

    def _told(self, data: bytes) -> bytes:
        if self._sign not in data:
            return data
        answer = parsed(data)
        changed = False
        for choice in answer.get("choices", []):
            if choice.get("stop_reason") == self._dead_end:
                choice["finish_reason"] = CONTENT_FILTER
                choice["stop_reason"] = None
                self._metrics.dead_end()
                changed = True
        return written(answer) if changed else data

    def _followed(self, data: bytes) -> bytes:
        chunk = parsed(data)
        if "error" in chunk:
            ended = self._chunk is not None and self._chunk["choices"][0].get("finish_reason")
            starved = self._constrained and chunk["error"].get("code") == 500 and not ended
            return self._cut() if starved else event_of(data)
        self._usage = chunk.get("usage") or self._usage
        if not chunk.get("choices"):
            return event_of(data)
        self._chunk = chunk
        if self._hides_usage and chunk.pop("usage", None):
            return event_of(written(chunk))
        return event_of(data)

    def _cut(self) -> bytes:
        """Return the end of a stream that starved in the middle."""
        if self._chunk is None:
            self.starved = True
            return b""
        self._metrics.dead_end()
        (before,) = self._chunk["choices"]
        said: dict[str, Any] = {"delta": {}} if "delta" in before else {"text": ""}
        choice = {"index": before["index"], **said, "logprobs": None, "finish_reason": CONTENT_FILTER, "stop_reason": None}
        named = {key: self._chunk.get(key) for key in ("id", "object", "created", "model")}
        last = {**named, "choices": [choice]}
        if "usage" in self._chunk:  # in each chunk, so in this one too
            last["usage"] = self._usage
        out = event_of(written(last))
        return out + event_of(written({**named, "choices": [], "usage": self._usage})) if self._usage else out
