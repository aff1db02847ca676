"""Chunks and pieces: an answer as the steps of the answer pipeline see it, whatever route it belongs to.

    Chunk   one JSON object of an answer: an event of a stream, or a whole answer
    Piece   what one chunk says of one choice: texts by field, and how the choice ended

A stream is many chunks, a whole answer is one: a step that works on the one works on the other. A route's *form* (`Form`) reads a
chunk's pieces and writes them back; the steps know no route.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

from server.errors import EngineFailure

CONTENT_FILTER = "content_filter"
"""The `finish_reason` of an answer that a filter cut short (OpenAI's API reference, chat completions)."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What a chunk says of one choice.

    Attributes:
        choice: the choice's index.
        texts: text by field, in the order of the chunk: `content`, `text`, `reasoning`, `tool_calls[0].arguments` and so on.
        finish_reason: why the choice ended; None while it goes on.
        stop_reason: the stop string or token id that ended it (vLLM's); None for any other end.
        raw: the choice as the engine wrote it, with what no step reads (log probabilities).
    """

    choice: int
    texts: Mapping[str, str]
    finish_reason: str | None = None
    stop_reason: int | str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def ended(self, finish_reason: str) -> Piece:
        """Return the piece with another end, and without the stop that led to the engine's own."""
        return replace(self, finish_reason=finish_reason, stop_reason=None)


class Form(Protocol):
    """How a route writes the choices of an answer and of a stream."""

    def read(self, body: Mapping[str, Any]) -> list[Piece]:
        """Return the pieces of a chunk; none of an error or of a chunk that only counts tokens."""
        ...

    def write(self, body: Mapping[str, Any], pieces: Sequence[Piece]) -> dict[str, Any]:
        """Return `body` with these pieces as its choices: `write(body, read(body)) == body`."""
        ...

    def silent(self, piece: Piece) -> Piece:
        """Return a piece of the same choice that says nothing and has not ended."""
        ...


class Chunk:
    """One JSON object of an answer, parsed when it is first looked into."""

    def __init__(self, data: bytes, form: Form, name: bytes | None = None) -> None:
        self.data = data
        """The object as JSON in UTF-8."""
        self.form = form
        self.name = name
        """The name of the event it came in, where the route names its events."""

    @classmethod
    def of(cls, body: Mapping[str, Any], form: Form, name: bytes | None = None) -> Chunk:
        """Return a chunk that holds `body`."""
        # As compact as vLLM writes it.
        return cls(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(), form, name)

    @cached_property
    def body(self) -> Mapping[str, Any]:
        """The object. Raises EngineFailure for what is not one."""
        try:
            body = json.loads(self.data)
        except ValueError as error:
            raise EngineFailure("the engine sent something that is not JSON") from error
        if not isinstance(body, dict):
            raise EngineFailure("the engine sent JSON that is not an object")
        return body

    @cached_property
    def pieces(self) -> Sequence[Piece]:
        """What it says of each choice it speaks of."""
        return self.form.read(self.body)

    @property
    def usage(self) -> Mapping[str, Any] | None:
        """The tokens counted, where it counts them."""
        usage: Mapping[str, Any] | None = self.body.get("usage")
        return usage

    @property
    def error(self) -> Mapping[str, Any] | None:
        """The error it tells of, if it does."""
        error: Mapping[str, Any] | None = self.body.get("error")
        return error

    def with_body(self, body: Mapping[str, Any]) -> Chunk:
        """Return a chunk of the same form and name that holds `body`."""
        return Chunk.of(body, self.form, self.name)

    def with_pieces(self, pieces: Sequence[Piece]) -> Chunk:
        """Return the chunk with other pieces."""
        return self.with_body(self.form.write(self.body, pieces))


Chunks = AsyncIterator[Chunk]
Step = Callable[[Chunks], Chunks]
"""A step of the answer pipeline: it takes chunks and gives chunks, and may hold back, change, add or drop some."""


def piped(chunks: Chunks, steps: Sequence[Step]) -> Chunks:
    """Return `chunks` after all `steps`, the first one first."""
    for step in steps:
        chunks = step(chunks)
    return chunks
