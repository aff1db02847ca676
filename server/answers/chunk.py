"""Chunks and pieces: an answer in the form that the steps of the answer pipeline work on.

    Chunk   one JSON object of an answer: an event of a stream, or a whole answer
    Piece   the part of a chunk that belongs to one choice: its texts by field, and how the choice ended

A stream has many chunks and a whole answer has one, so each step works on both. The *form* of a route (`Form`) reads the pieces
of a chunk and writes them back, so the steps need not know the route.
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
    """The part of a chunk that belongs to one choice.

    Attributes:
        choice: The index of the choice.
        texts: Text by field, in the order of the chunk: `content`, `text`, `reasoning`, `tool_calls[0].arguments` and so on.
        finish_reason: Why the choice ended; None while it goes on.
        stop_reason: The stop string or token id that ended it (a field of vLLM's); None if something else did.
        raw: The choice as the engine wrote it, with the fields that no step reads (log probabilities).
    """

    choice: int
    texts: Mapping[str, str]
    finish_reason: str | None = None
    stop_reason: int | str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def tokens(self) -> Sequence[int]:
        """The ids of the tokens that it adds, [] if the engine was not asked for them."""
        ids: Sequence[int] | None = self.raw.get("token_ids")
        return ids or []

    def ended(self, finish_reason: str) -> Piece:
        """Return the piece with another `finish_reason` and no `stop_reason`."""
        return replace(self, finish_reason=finish_reason, stop_reason=None)


class Form(Protocol):
    """How a route writes the choices of an answer and of a stream."""

    def read(self, body: Mapping[str, Any]) -> list[Piece]:
        """Return the pieces of a chunk. An error, or a chunk that only counts tokens, has none."""
        ...

    def write(self, body: Mapping[str, Any], pieces: Sequence[Piece]) -> dict[str, Any]:
        """Return `body` with these pieces as its choices: `write(body, read(body)) == body`."""
        ...

    @property
    def main(self) -> str:
        """The text field that an answer which is continued goes on with."""
        ...

    def silent(self, piece: Piece) -> Piece:
        """Return a piece of the same choice without text that does not end the choice."""
        ...

    def saying(self, piece: Piece, text: str) -> Piece:
        """Return a piece of the same choice that says `text` in the main field and does not end the choice."""
        ...

    def prompt(self, body: Mapping[str, Any], choice: int) -> Sequence[int] | None:
        """Return the token ids of a choice's prompt, None if the chunk `body` does not tell them."""
        ...

    def public(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return `body` without the token ids that the server asked for and the client did not. Those of `pieces` stay."""
        ...

    def cut(self, piece: Piece, fields: Mapping[str, int], tokens: int) -> Piece:
        """Return the beginning of a piece.

        Args:
            piece: The piece.
            fields: How many characters are kept of each field. Others are dropped.
            tokens: How many tokens are kept of the log probabilities.
        """
        ...

    def unended(self, piece: Piece) -> Piece:
        """Return the last piece of a choice without its last token, which is no text, and without an end."""
        ...

    def adopted(self, piece: Piece, like: Piece, offset: int, top: int = 0) -> Piece:
        """Return a piece of `/v1/completions` that continues an answer, in this form.

        Args:
            piece: The piece.
            like: A piece of the choice that it continues.
            offset: The number of characters of the choice's text before the piece.
            top: How many likeliest tokens per step the client asked for.
        """
        ...

    def joined(self, pieces: Sequence[Piece]) -> Piece:
        """Return one piece that says what `pieces` of one choice say one after the other, and ends as the last one does."""
        ...


class Chunk:
    """One JSON object of an answer. It is parsed when something first reads it."""

    def __init__(self, data: bytes, form: Form, name: bytes | None = None) -> None:
        self.data = data
        """The object as JSON in UTF-8."""
        self.form = form
        self.name = name
        """The name of its event, where the route names its events."""

    @classmethod
    def of(cls, body: Mapping[str, Any], form: Form, name: bytes | None = None) -> Chunk:
        """Return a chunk that holds `body`."""
        # Compact, as vLLM writes it.
        return cls(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(), form, name)

    @cached_property
    def body(self) -> Mapping[str, Any]:
        """The object. Raises EngineFailure if the data are not a JSON object."""
        try:
            body = json.loads(self.data)
        except ValueError as error:
            raise EngineFailure("the engine sent an answer that is not JSON") from error
        if not isinstance(body, dict):
            raise EngineFailure("the engine sent an answer that is JSON but not an object")
        return body

    @cached_property
    def pieces(self) -> Sequence[Piece]:
        """Its pieces, one for each choice that the chunk belongs to."""
        return self.form.read(self.body)

    @property
    def usage(self) -> Mapping[str, Any] | None:
        """The counts of tokens, None if the chunk has none."""
        usage: Mapping[str, Any] | None = self.body.get("usage")
        return usage

    @property
    def error(self) -> Mapping[str, Any] | None:
        """The error that it reports, None if it reports none."""
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
"""A step of the answer pipeline: it reads chunks and yields chunks, and may delay, change, add or drop some."""


def piped(chunks: Chunks, steps: Sequence[Step]) -> Chunks:
    """Return `chunks` after all `steps`, in the order of `steps`."""
    for step in steps:
        chunks = step(chunks)
    return chunks
