"""Server-sent events of an engine's stream, whichever way its bytes are cut."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from server.errors import EngineFailure

DATA = b"data: "
DONE = b"[DONE]"


class Events:
    """Puts the bytes of a stream together to whole events; a blank line ends each."""

    def __init__(self) -> None:
        self._begun = b""

    def feed(self, received: bytes, *, more: bool) -> list[bytes]:
        """Return the events that are complete now, without their blank lines; at the end of the stream, what is left too."""
        *events, self._begun = (self._begun + received).split(b"\n\n")
        if not more:
            events, self._begun = [*events, self._begun], b""
        return [event for event in events if event]


def data_of(event: bytes) -> bytes | None:
    """Return an event's data, or None if it has none: a comment that keeps the connection alive."""
    return event[len(DATA) :] if event.startswith(DATA) else None


def event_of(data: bytes) -> bytes:
    """Return an event with this data, its blank line included."""
    return DATA + data + b"\n\n"


def parsed(data: bytes) -> dict[str, Any]:
    """Read a JSON object of the engine's. Raises EngineFailure for anything else."""
    try:
        answer = json.loads(data)
    except ValueError as error:
        raise EngineFailure("the engine sent something that is not JSON") from error
    if not isinstance(answer, dict):
        raise EngineFailure("the engine sent JSON that is not an object")
    return answer


def written(answer: Mapping[str, Any]) -> bytes:
    """Write JSON as compactly as vLLM does."""
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
