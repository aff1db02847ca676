"""Server-sent events: bytes to events, and events to bytes.

The format is in the HTML Living Standard of the WHATWG (section 9.2.6, "Interpreting an event stream"). vLLM and OpenAI send one
`data:` line per event. The events of OpenAI's responses and of Anthropic's messages also have a name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MEDIA_TYPE = "text/event-stream"

DONE = b"[DONE]"
"""The data of OpenAI's last event."""

# An event ends with an empty line; a line ends with a line feed, a carriage return, or both.
_END_OF_EVENT = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n|\r\n\n")
_LINE = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    Attributes:
        data: Its data. An event without data is a comment or a heartbeat.
        name: Its name, None if it has none.
        raw: The bytes that it was read from, without the empty line at the end. `written` returns them, so an event that is
            passed on unchanged keeps its comments and fields that this module does not know.
    """

    data: bytes
    name: bytes | None = None
    raw: bytes | None = None


class EventReader:
    """Reads events from a stream of bytes that arrives in parts of any size."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, received: bytes) -> list[Event]:
        """Return the events that are complete with the bytes `received`, in order, and keep the rest."""
        held = self._held + received
        if b"\r" not in held:  # as vLLM writes: quicker than to look for every line end of the standard
            *whole, self._held = held.split(b"\n\n")
            return [_event(raw) for raw in whole]
        events = []
        start = 0
        while found := _END_OF_EVENT.search(held, start):
            # A carriage return at the end of the bytes may be the first half of a line end.
            if found.end() == len(held) and held.endswith(b"\r"):
                break
            events.append(_event(held[start : found.start()]))
            start = found.end()
        self._held = held[start:]
        return events

    def end(self) -> list[Event]:
        """Return the unfinished event that was kept when the stream ended, [] if there is none."""
        held, self._held = self._held.strip(b"\r\n"), b""
        return [_event(held)] if held else []


def written(event: Event) -> bytes:
    """Return the bytes of an event with the empty line at its end."""
    if event.raw is not None:
        return event.raw + b"\n\n"
    if event.name is None and b"\n" not in event.data:
        return b"data: " + event.data + b"\n\n"
    name = b"event: " + event.name + b"\n" if event.name is not None else b""
    return name + b"".join(b"data: " + line + b"\n" for line in event.data.split(b"\n")) + b"\n"


def _event(raw: bytes) -> Event:
    if raw.startswith(b"data: ") and b"\n" not in raw and b"\r" not in raw:
        return Event(raw[6:], None, raw)
    data = []
    name = None
    for line in _LINE.split(raw):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return Event(b"\n".join(data), name, raw)
