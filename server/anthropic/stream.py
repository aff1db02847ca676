"""A stream of the engine's chat completions as the events of a message.

message_start, ping, then for each block: content_block_start, content_block_delta (many), content_block_stop,
then message_delta with the reason of the end and the counts of tokens, and message_stop
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from server.answers.chunk import Chunk, Chunks
from server.anthropic.answer import THOUGHTS, ending, head, usage
from server.errors import EngineFailure

Event = dict[str, Any]

_TEXT: Final = "text"
_THINKING: Final = "thinking"


async def events(chunks: Chunks) -> Chunks:
    """Yield a chunk per event. A chunk that holds an error passes as it is, and ends the stream.

    Raises:
        EngineFailure: A tool call goes on after the next one has begun.
    """
    stream = _Stream()
    last: Chunk | None = None
    async for chunk in chunks:
        if b'"error"' in chunk.data and chunk.error is not None:
            yield chunk
            return
        last = chunk
        for event in stream.read(chunk.body):
            yield _chunk(event, chunk)
    if last is not None:
        for event in stream.end():
            yield _chunk(event, last)


def _chunk(event: Event, like: Chunk) -> Chunk:
    return Chunk.of(event, like.form, event["type"].encode())


class _Stream:
    """What of a message has been told."""

    def __init__(self) -> None:
        self._begun = False
        self._blocks = 0
        self._open: str | int | None = None  # the kind of the open block, or the index of its tool call
        self._calls: set[int] = set()
        self._usage: Mapping[str, Any] | None = None
        self._last: Mapping[str, Any] = {}

    def read(self, chat: Mapping[str, Any]) -> Iterator[Event]:
        """Yield the events of one chunk of a chat completion."""
        self._usage = chat.get("usage") or self._usage
        if not self._begun:
            self._begun = True
            counts = {**usage(self._usage), "output_tokens": 0}
            started = {**head(chat), "content": [], "stop_reason": None, "stop_sequence": None, "usage": counts}
            yield {"type": "message_start", "message": started}
            yield {"type": "ping"}
        for choice in chat.get("choices") or ():
            yield from self._said(choice.get("delta") or {})
            if choice.get("finish_reason") is not None:
                self._last = choice

    def end(self) -> Iterator[Event]:
        """Yield the last events of the message."""
        yield from self._close()
        yield {"type": "message_delta", "delta": ending(self._last, called=bool(self._calls)), "usage": usage(self._usage)}
        yield {"type": "message_stop"}

    def _said(self, delta: Mapping[str, Any]) -> Iterator[Event]:
        for name in THOUGHTS:
            if delta.get(name):
                yield from self._opened(_THINKING, {"type": "thinking", "thinking": "", "signature": ""})
                yield self._delta({"type": "thinking_delta", "thinking": delta[name]})
        if delta.get("content"):
            yield from self._opened(_TEXT, {"type": "text", "text": ""})
            yield self._delta({"type": "text_delta", "text": delta["content"]})
        for at, call in enumerate(delta.get("tool_calls") or ()):
            yield from self._called(call.get("index", at), call)

    def _called(self, index: int, call: Mapping[str, Any]) -> Iterator[Event]:
        function = call.get("function") or {}
        if index not in self._calls:
            self._calls.add(index)
            named: Event = {"type": "tool_use", "id": call.get("id"), "name": function.get("name"), "input": {}}
            yield from self._opened(index, named)
        if function.get("arguments"):
            if self._open != index:
                raise EngineFailure("the engine went on with a tool call after the next one had begun")
            yield self._delta({"type": "input_json_delta", "partial_json": function["arguments"]})

    def _opened(self, kind: str | int, block: Event) -> Iterator[Event]:
        if self._open == kind:
            return
        yield from self._close()
        self._open = kind
        yield {"type": "content_block_start", "index": self._blocks, "content_block": block}

    def _delta(self, delta: Event) -> Event:
        return {"type": "content_block_delta", "index": self._blocks, "delta": delta}

    def _close(self) -> Iterator[Event]:
        if self._open is not None:
            yield {"type": "content_block_stop", "index": self._blocks}
            self._open = None
            self._blocks += 1
