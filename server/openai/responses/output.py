"""Output: the items of a response as they come into being, each with the events that tell a client of a stream about it.

The forms are those of OpenAI's API reference (responses, streaming events).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final, Literal

Status = Literal["in_progress", "completed", "incomplete"]
Told = tuple[str, dict[str, Any]]
"""An event: its type without `response.`, and its fields."""


class Item(ABC):
    """An item that is open: text may be added until it is closed."""

    prefix: ClassVar[str]
    """What its id begins with."""
    event: ClassVar[str]
    """What the types of the events about its text begin with."""
    field: ClassVar[str]
    """The field that has the whole text in the last of these events."""

    def __init__(self, id: str, at: int) -> None:
        """Open the item number `at` of a response."""
        self.id = f"{self.prefix}_{id}_{at}"
        self.text = ""
        self.status: Status = "in_progress"
        self._at = at

    @abstractmethod
    def shown(self) -> dict[str, Any]:
        """Return the item as it is now."""

    @abstractmethod
    def _part(self) -> dict[str, Any] | None:
        """Return its one content part as it is now; None for an item without parts."""

    def _told(self, name: str, /, **fields: Any) -> Told:
        place = {} if self._part() is None else {"content_index": 0}
        return name, {"item_id": self.id, "output_index": self._at, **place, **fields}

    def opened(self) -> Iterator[Told]:
        """Yield the events that tell of the new item."""
        shown = self.shown()
        yield "output_item.added", {"output_index": self._at, "item": {**shown, "content": []} if self._part() else shown}
        if part := self._part():
            yield self._told("content_part.added", part=part)

    def added(self, text: str) -> Iterator[Told]:
        """Add a text and yield the event that tells of it."""
        self.text += text
        yield self._told(f"{self.event}.delta", delta=text)

    def closed(self, status: Status) -> Iterator[Told]:
        """Close the item and yield the events that tell of it."""
        self.status = status
        yield self._told(f"{self.event}.done", **{self.field: self.text}, **self._last())
        if part := self._part():
            yield self._told("content_part.done", part=part)
        yield "output_item.done", {"output_index": self._at, "item": self.shown()}

    def _last(self) -> dict[str, Any]:
        """Return what the last event about the text has besides it."""
        return {}


class Reasoning(Item):
    """What the model thinks."""

    prefix = "rs"
    event = "reasoning_text"
    field = "text"

    def shown(self) -> dict[str, Any]:
        """Return the item. Its summary is empty: the text itself is shown."""
        fixed: dict[str, Any] = {"id": self.id, "type": "reasoning", "summary": [], "encrypted_content": None}
        return {**fixed, "content": [self._part()], "status": self.status}

    def _part(self) -> dict[str, Any]:
        return {"type": "reasoning_text", "text": self.text}


class Message(Item):
    """What the model says."""

    prefix = "msg"
    event = "output_text"
    field = "text"

    def __init__(self, id: str, at: int) -> None:
        """Open the item."""
        super().__init__(id, at)
        self._scores: list[Any] = []

    def shown(self) -> dict[str, Any]:
        """Return the item."""
        return {"id": self.id, "type": "message", "role": "assistant", "status": self.status, "content": [self._part()]}

    def said(self, text: str, scores: Sequence[Any]) -> Iterator[Told]:
        """Add a text with the log probabilities of its tokens; [] if nobody asked for them."""
        self._scores += scores
        for name, fields in self.added(text):
            yield name, {**fields, "logprobs": list(scores)}

    def _part(self) -> dict[str, Any]:
        return {"type": "output_text", "text": self.text, "annotations": [], "logprobs": list(self._scores)}

    def _last(self) -> dict[str, Any]:
        return {"logprobs": list(self._scores)}


class FunctionCall(Item):
    """A function that the model calls."""

    prefix = "fc"
    event = "function_call_arguments"
    field = "arguments"

    def __init__(self, id: str, at: int, call_id: str | None, name: str) -> None:
        """Open the item. `call_id` names the call; the item gets a name for it if it is None."""
        super().__init__(id, at)
        self.name = name
        self._call_id = call_id or f"call_{id}_{at}"

    def shown(self) -> dict[str, Any]:
        """Return the item."""
        called = {"call_id": self._call_id, "name": self.name, "arguments": self.text}
        return {"id": self.id, "type": "function_call", **called, "status": self.status}

    def _part(self) -> None:
        return None

    def _last(self) -> dict[str, Any]:
        return {"name": self.name}


KINDS: Final = {"reasoning": Reasoning, "reasoning_content": Reasoning, "content": Message}
"""The kind of item for each text field of a chat completion."""
