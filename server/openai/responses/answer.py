"""Answers: the chunks of a chat completion become a response, and the events of a stream that tell of it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from server.answers.chunk import CONTENT_FILTER, Chunk, Piece
from server.openai.responses.output import KINDS, FunctionCall, Item, Message, Told

Body = Mapping[str, Any]

_CALL: Final = re.compile(r"tool_calls\[(\d+)\]\.(name|arguments)")
# Why a response is incomplete, by the `finish_reason` of a chat completion.
_REASONS: Final = {"length": "max_output_tokens", CONTENT_FILTER: CONTENT_FILTER}
# What a response repeats of the request, with the value of what the request does not have.
_REPEATED: Final[Body] = {
    "instructions": None, "max_output_tokens": None, "max_tool_calls": None, "metadata": {}, "parallel_tool_calls": True,
    "prompt_cache_key": None, "safety_identifier": None, "temperature": None, "tool_choice": "auto", "tools": [],
    "top_logprobs": 0, "top_p": None, "user": None,
}  # fmt: skip
# What every response says: nothing is stored, and nothing is left out of a conversation.
_FIXED: Final[Body] = {
    "background": False, "previous_response_id": None, "service_tier": "default", "store": False, "truncation": "disabled",
}  # fmt: skip
# The codes that a response's error may have (OpenAI's API reference).
_CODES: Final = ("server_error", "rate_limit_exceeded", "invalid_prompt")


class Answer:
    """A response as it comes into being. A whole chat completion is a stream of one chunk."""

    def __init__(self, sent: Body) -> None:
        """Begin the answer to a client's body."""
        self._sent = sent
        self._items: list[Item] = []
        self._open: list[Item] = []
        self._calls: dict[int, FunctionCall] = {}
        self._usage: Body | None = None
        self._finish: str | None = None
        self._error: dict[str, Any] | None = None
        self._status = "in_progress"
        self._named: dict[str, Any] = {}
        self._numbers = 0

    @property
    def response(self) -> dict[str, Any]:
        """The response as it is now."""
        sent = {name: value for name in _REPEATED if (value := self._sent.get(name)) is not None}
        text, reasoning = self._sent.get("text") or {}, self._sent.get("reasoning") or {}
        reason = _REASONS.get(self._finish or "") if self._status == "incomplete" else None
        return {
            **self._named,
            "object": "response",
            "status": self._status,
            "error": self._error,
            "incomplete_details": {"reason": reason} if reason else None,
            "output": [item.shown() for item in self._items if item.status != "in_progress"],
            "usage": self._counted(),
            **_FIXED,
            **_REPEATED,
            **sent,
            "text": {**text, "format": text.get("format") or {"type": "text"}},
            "reasoning": {"effort": reasoning.get("effort"), "summary": None},
        }

    def take(self, chunk: Chunk) -> Iterator[dict[str, Any]]:
        """Take the next chunk and yield the events that tell of it."""
        yield from self._begin(chunk.body)
        if chunk.error is not None:
            yield from self.fail(chunk.error)
            return
        self._usage = chunk.usage or self._usage
        for piece in chunk.pieces[:1]:
            yield from self._numbered(self._told(piece))
            self._finish = piece.finish_reason or self._finish

    def end(self) -> Iterator[dict[str, Any]]:
        """End the answer after its last chunk, and yield the last events. Does nothing if it has failed."""
        if self._status != "in_progress":
            return
        if self._finish is None:
            yield from self.fail({"message": "The engine ended its answer before it was complete."})
            return
        if not self._items:
            yield from self._numbered(self._opened(Message(self._id, 0)))
        whole = self._finish not in _REASONS
        yield from self._numbered(self._closed(whole=whole))
        yield from self._over("completed" if whole else "incomplete")

    def fail(self, error: Body) -> Iterator[dict[str, Any]]:
        """End the answer with an error, and yield the last events. Does nothing if it has ended."""
        if self._status != "in_progress":
            return
        yield from self._begin({})
        yield from self._numbered(self._closed(whole=False))
        code = error.get("code")
        self._error = {"code": code if code in _CODES else _CODES[0], "message": str(error.get("message"))}
        yield from self._over("failed")

    @property
    def _id(self) -> str:
        return str(self._named["id"]).removeprefix("resp_")

    def _begin(self, body: Body) -> Iterator[dict[str, Any]]:
        if self._named:
            return
        id = str(body.get("id") or time.time_ns()).removeprefix("chatcmpl-")
        model = body.get("model") or self._sent.get("model")
        self._named = {"id": f"resp_{id}", "created_at": body.get("created") or int(time.time()), "model": model}
        yield from self._numbered([(name, {"response": self.response}) for name in ("created", "in_progress")])

    def _over(self, status: str) -> Iterator[dict[str, Any]]:
        self._status = status
        if status == "completed":
            self._named["completed_at"] = int(time.time())
        yield from self._numbered([(status, {"response": self.response})])

    def _numbered(self, told: Iterable[Told]) -> Iterator[dict[str, Any]]:
        for name, fields in told:
            # Counted first: nobody may come back for more after the event.
            self._numbers += 1
            yield {"type": f"response.{name}", "sequence_number": self._numbers - 1, **fields}

    def _told(self, piece: Piece) -> Iterator[Told]:
        scores = (piece.raw.get("logprobs") or {}).get("content") or []
        for name, text in piece.texts.items():
            if not text:
                continue
            if called := _CALL.fullmatch(name):
                yield from self._called(int(called[1]), called[2], text, piece)
            elif kind := KINDS.get(name):
                last = self._open[-1] if self._open else None
                if not isinstance(last, kind):
                    # The model is done with what it said before; calls may go on.
                    yield from self._closed(whole=True, calls=False)
                    last = kind(self._id, len(self._items))
                    yield from self._opened(last)
                yield from last.said(text, scores) if isinstance(last, Message) else last.added(text)

    def _called(self, number: int, part: str, text: str, piece: Piece) -> Iterator[Told]:
        call = self._calls.get(number)
        if call is None:
            yield from self._closed(whole=True, calls=False)
            named = text if part == "name" else ""
            call = self._calls[number] = FunctionCall(self._id, len(self._items), _call_id(piece, number), named)
            yield from self._opened(call)
        elif part == "name":
            call.name += text
        if part == "arguments":
            self._open.remove(call)
            self._open.append(call)
            yield from call.added(text)

    def _opened(self, item: Item) -> Iterator[Told]:
        self._items.append(item)
        self._open.append(item)
        yield from item.opened()

    def _closed(self, *, whole: bool, calls: bool = True) -> Iterator[Told]:
        """Close what is open, in its order in the response: calls, too, if `calls`. The last one may be not `whole`."""
        last = self._open[-1] if self._open else None
        for item in [item for item in self._items if item in self._open and (calls or not isinstance(item, FunctionCall))]:
            self._open.remove(item)
            yield from item.closed("completed" if whole or item is not last else "incomplete")

    def _counted(self) -> dict[str, Any] | None:
        if self._usage is None or self._status == "in_progress":
            return None
        prompt, said = self._usage.get("prompt_tokens") or 0, self._usage.get("completion_tokens") or 0
        cached = (self._usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        thought = (self._usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
        return {
            "input_tokens": prompt,
            "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
            "output_tokens": said,
            "output_tokens_details": {"reasoning_tokens": thought},
            "total_tokens": prompt + said,
        }


def _call_id(piece: Piece, number: int) -> str | None:
    said = piece.raw.get("delta") or piece.raw.get("message") or {}
    for at, call in enumerate(said.get("tool_calls") or ()):
        if call.get("index", at) == number and call.get("id"):
            return str(call["id"])
    return None
