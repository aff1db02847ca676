"""An answer of the engine's chat completions as a message."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from server.answers.chunk import CONTENT_FILTER

_REASONS: Final[Mapping[str, str]] = {CONTENT_FILTER: "refusal", "length": "max_tokens", "tool_calls": "tool_use"}
# vLLM 0.32 says `reasoning`, earlier versions say `reasoning_content`.
THOUGHTS: Final = ("reasoning", "reasoning_content")


def message(chat: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message that a whole chat completion with one choice makes.

    A tool call that was cut short has no input that can be read. It is left out, so that no client runs it.
    """
    choice = chat["choices"][0]
    blocks = list(_blocks(choice["message"]))
    called = any(block["type"] == "tool_use" for block in blocks)
    return {**head(chat), "content": blocks, **ending(choice, called=called), "usage": usage(chat.get("usage"))}


def head(chat: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a message says of itself. It has the id of the chat completion, in Anthropic's form."""
    name = f"msg_{str(chat.get('id')).removeprefix('chatcmpl-')}"
    return {"id": name, "type": "message", "role": "assistant", "model": chat.get("model")}


def ending(choice: Mapping[str, Any], *, called: bool) -> dict[str, Any]:
    """Return why a choice ended.

    Args:
        choice: The choice, or the last chunk of it that ends it.
        called: Whether it has tool calls. Where a call was demanded, vLLM ends it with `stop`.
    """
    finish, stop = choice.get("finish_reason"), choice.get("stop_reason")
    reason = _REASONS.get(str(finish))
    sequence = None
    if reason is None:
        sequence = stop if isinstance(stop, str) else None
        reason = "stop_sequence" if sequence is not None else "tool_use" if called else "end_turn"
    elif reason == "tool_use" and not called:
        reason = "end_turn"
    ended: dict[str, Any] = {"stop_reason": reason, "stop_sequence": sequence}
    if reason == "refusal":
        ended["stop_details"] = {"type": "refusal", "category": None, "explanation": None}
    return ended


def usage(counts: Mapping[str, Any] | None) -> dict[str, int]:
    """Return the counts of tokens. What a cache knew is counted by itself, and not among the tokens of the input."""
    known = counts or {}
    cached = (known.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    return {
        "input_tokens": (known.get("prompt_tokens") or 0) - cached,
        "output_tokens": known.get("completion_tokens") or 0,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
    }


def _blocks(said: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    thoughts = next((said[name] for name in THOUGHTS if said.get(name)), None)
    if thoughts:
        yield {"type": "thinking", "thinking": thoughts, "signature": ""}
    if said.get("content"):
        yield {"type": "text", "text": said["content"]}
    for call in said.get("tool_calls") or ():
        read = _input(call["function"].get("arguments") or "{}")
        if read is not None:
            yield {"type": "tool_use", "id": call["id"], "name": call["function"]["name"], "input": read}


def _input(arguments: str) -> dict[str, Any] | None:
    try:
        read = json.loads(arguments)
    except ValueError:
        return None
    return read if isinstance(read, dict) else None
