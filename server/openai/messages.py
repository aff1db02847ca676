"""The messages of a chat as the engine gets them: with what the API defines, and without what clients add of their own.

Clients put keys of their own into messages and content parts (`cache_control`, `id`, `opts`). `server.openai.texts` lists their
texts for screening. They do not go on: a template that knows such a key could show its value to the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

TEXT_PARTS: Final[Mapping[str, str]] = {
    "text": "text",
    "input_text": "text",
    "output_text": "text",
    "refusal": "refusal",
    "thinking": "thinking",
    "tool_reference": "name",
}
"""Types of content part that are text, and the key of the text (MM_PARSER_MAP in vllm/renderers/chat_utils.py)."""

# The keys of a message that vLLM 0.32 reads (vllm/renderers/chat_utils.py). `refusal`, `audio`, `annotations` and
# `function_call`, which every answer of the API has, are not among them.
_KEYS: Final = ("role", "content", "name", "tool_calls", "tool_call_id", "reasoning", "reasoning_content", "task", "tools")


def passed_messages(messages: Sequence[Mapping[str, Any]], *, developer: bool) -> list[dict[str, Any]]:
    """Return the messages for the engine.

    A key with the value null or [] is left out, because it means the same as no key.

    Args:
        messages: The messages, as the dialect of chat completions has accepted them.
        developer: Whether the chat template knows the role `developer`, OpenAI's newer word for `system`. Otherwise these
            messages get the role `system`. One with tools of its own stays: only a template that knows the role shows them.
    """
    return [_passed(message, developer=developer) for message in messages]


def _passed(message: Mapping[str, Any], *, developer: bool) -> dict[str, Any]:
    kept = {key: message[key] for key in _KEYS if message.get(key) is not None and message[key] != []}
    if isinstance(kept.get("content"), list):
        kept["content"] = [_part(part) for part in kept["content"]]
    if "tool_calls" in kept:
        kept["tool_calls"] = [_call(call) for call in kept["tool_calls"]]
    if kept["role"] == "developer" and not developer and "tools" not in kept:
        kept["role"] = "system"
    return kept


def _part(part: Any) -> Any:
    if isinstance(part, str):
        return part
    return {"type": part["type"], TEXT_PARTS[part["type"]]: part[TEXT_PARTS[part["type"]]]}


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: call[key] for key in ("id", "type", "function") if call.get(key) is not None}
    if isinstance(kept.get("function"), Mapping):
        kept["function"] = {key: kept["function"][key] for key in ("name", "arguments") if key in kept["function"]}
    return kept
