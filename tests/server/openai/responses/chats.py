"""Chat completions as the engine writes them: a whole one, and the chunks of a stream."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from server.answers.chunk import Chunk
from server.openai.forms import ChatForm
from server.openai.responses.answer import Answer

FORM = ChatForm()
NAMED = {"id": "chatcmpl-7", "created": 5, "model": "fake"}
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
Delta = tuple[str, Any]
"""A piece of an answer: `content` or `reasoning` and a text, or `call N` and (name, arguments)."""


def _said(delta: Delta) -> dict[str, Any]:
    kind, value = delta
    if not kind.startswith("call"):
        return {kind: value}
    number, (name, arguments) = int(kind.split()[1]), value
    function = {key: each for key, each in (("name", name), ("arguments", arguments)) if each is not None}
    return {"tool_calls": [{"index": number, **({"id": f"call_{number}"} if name else {}), "function": function}]}


def streamed(deltas: Iterable[Delta], finish: str | None = "stop") -> list[Chunk]:
    pieces: list[dict[str, Any]] = [{"delta": {"role": "assistant", "content": ""}}]
    pieces += [{"delta": _said(delta)} for delta in deltas]
    pieces += [{"delta": {}, "finish_reason": finish}]
    bodies: list[dict[str, Any]] = [{**NAMED, "choices": [{"index": 0, **piece}]} for piece in pieces]
    return [Chunk.of(body, FORM) for body in [*bodies, {**NAMED, "choices": [], "usage": USAGE}]]


def whole(finish: str = "stop", **message: Any) -> Chunk:
    said = {"role": "assistant", "content": None, **message}
    return Chunk.of({**NAMED, "choices": [{"index": 0, "message": said, "finish_reason": finish}], "usage": USAGE}, FORM)


def events(chunks: Iterable[Chunk], sent: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    answer = Answer(sent or {})
    told = [event for chunk in chunks for event in answer.take(chunk)]
    return [*told, *answer.end()]
