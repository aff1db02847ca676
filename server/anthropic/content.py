"""The messages of a request as messages of a chat.

A message of Anthropic's has blocks: text, tool calls, results of tools, what the model thought. A message of a chat has a text,
tool calls beside it, and a message of its own per result. Keys of a block that say nothing to the model (`cache_control`,
`citations`) do not go on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from server.errors import BadRequest
from server.openai.fields import GUARD_CONFLICT
from server.openai.texts import bad, string

Message = dict[str, Any]

_TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "user": ("text", "tool_result"),
    "assistant": ("text", "thinking", "redacted_thinking", "tool_use"),
    "system": ("text",),
}
"""The types of block that a message of each role may have."""


def conversation(system: Any, messages: Any) -> list[Message]:
    """Return the messages of a chat.

    Args:
        system: The field of this name.
        messages: The field of this name.

    Raises:
        BadRequest: Something in them is malformed or no text. `param` names the place.
    """
    if not isinstance(messages, list) or not messages:
        raise bad("messages", "must be a list with at least one message")
    chat: list[Message] = []
    if system is not None and (said := _text(system, "system")):
        chat.append({"role": "system", "content": said})
    for i, message in enumerate(messages):
        chat += _message(message, f"messages[{i}]")
    return chat


def _message(message: Any, here: str) -> Iterator[Message]:
    if not isinstance(message, dict):
        raise bad(here, "must be an object")
    role = message.get("role")
    if not isinstance(role, str) or role not in _TYPES:
        raise bad(f"{here}.role", "must be user, assistant or system")
    where = f"{here}.content"
    blocks = list(_blocks(message.get("content"), where, _TYPES[role]))
    yield from _of_user(blocks, where) if role == "user" else [_said(role, blocks, where)]


def _of_user(blocks: Sequence[Mapping[str, Any]], where: str) -> Iterator[Message]:
    """Yield the messages that the blocks of a user make, in their order: one for each result of a tool, one for texts between."""
    texts: list[str] = []
    for i, block in enumerate(blocks):
        if block["type"] == "text":
            texts.append(block["text"])
            continue
        if texts:
            yield {"role": "user", "content": _content(texts)}
            texts = []
        here = f"{where}[{i}]"
        content = block.get("content")
        result = "" if content is None else _text(content, f"{here}.content")
        yield {"role": "tool", "tool_call_id": string(block.get("tool_use_id"), f"{here}.tool_use_id"), "content": result}
    if texts or not blocks:
        yield {"role": "user", "content": _content(texts)}


def _said(role: str, blocks: Sequence[Mapping[str, Any]], where: str) -> Message:
    message: Message = {"role": role, "content": _content([block["text"] for block in blocks if block["type"] == "text"])}
    thoughts = [string(b.get("thinking"), f"{where}[{i}].thinking") for i, b in enumerate(blocks) if b["type"] == "thinking"]
    calls = [_call(block, f"{where}[{i}]") for i, block in enumerate(blocks) if block["type"] == "tool_use"]
    if any(thoughts):
        message["reasoning"] = "\n".join(thoughts)
    if calls:
        message["tool_calls"] = calls
        if not message["content"]:
            del message["content"]
    return message


def _call(block: Mapping[str, Any], here: str) -> dict[str, Any]:
    arguments = block.get("input")
    if not isinstance(arguments, dict):
        raise bad(f"{here}.input", "must be an object")
    function = {"name": string(block.get("name"), f"{here}.name"), "arguments": json.dumps(arguments, ensure_ascii=False)}
    return {"id": string(block.get("id"), f"{here}.id"), "type": "function", "function": function}


def _text(content: Any, where: str) -> Any:
    """Return a text, or the texts of blocks, as the content of a chat message. Raises BadRequest for any other block."""
    return _content([block["text"] for block in _blocks(content, where, ("text",))])


def _content(texts: Sequence[str]) -> Any:
    return "".join(texts) if len(texts) < 2 else [{"type": "text", "text": text} for text in texts]


def _blocks(content: Any, where: str, types: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the blocks of a content. A content that is a text is one block."""
    if isinstance(content, str):
        yield {"type": "text", "text": content}
        return
    if not isinstance(content, list):
        raise bad(where, "must be a string or a list of blocks")
    for i, block in enumerate(content):
        here = f"{where}[{i}]"
        if not isinstance(block, dict):
            raise bad(here, "must be an object")
        kind = block.get("type")
        if not isinstance(kind, str):
            raise bad(f"{here}.type", "must be a string")
        if kind not in types:
            raise BadRequest(
                f"{here}: the server can screen only text, so a block here must have one of the types {', '.join(types)}.",
                param=here,
                code=GUARD_CONFLICT,
            )
        if kind == "text":
            string(block.get("text"), f"{here}.text")
        yield block
