"""Hints: lines that a policy adds to the system message of chat requests about its targets. They name nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

# "developer" is what OpenAI's newer models call "system".
_ROLES: Final = ("system", "developer")


def with_hints(messages: Sequence[Any], hints: Sequence[str]) -> list[Any]:
    """Return the messages of a chat with `hints`: at the end of the first system message, or as a new first message.

    Args:
        messages: The messages, as the dialect of chat completions has accepted them.
        hints: The lines; without any, the messages stay as they are.
    """
    if not hints:
        return list(messages)
    line = "\n".join(hints)
    for at, message in enumerate(messages):
        if isinstance(message, Mapping) and message.get("role") in _ROLES:
            return [*messages[:at], {**message, "content": _extended(message.get("content"), line)}, *messages[at + 1 :]]
    return [{"role": "system", "content": line}, *messages]


def _extended(content: Any, line: str) -> Any:
    if isinstance(content, str):
        return f"{content}\n\n{line}" if content else line
    # Some templates join parts without a space.
    return [*content, {"type": "text", "text": f"\n\n{line}"}] if content else line
