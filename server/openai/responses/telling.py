"""The telling of `/v1/responses`: chunks of a chat completion in, a response or the events of its stream out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from server.answers.chunk import Chunk, Chunks
from server.answers.events import Event, written
from server.answers.reply import Reply
from server.errors import EngineFailure, ServerError
from server.http.envelope import envelope
from server.openai.forms import ChatForm
from server.openai.responses.answer import Answer
from server.openai.responses.request import blamed
from server.openai.telling import Telling

_FORM = ChatForm()


class ResponseTelling(Telling):
    """Tells the client of one request in the words of OpenAI's Responses API."""

    def __init__(self) -> None:
        self._sent: Mapping[str, Any] | None = None
        self._answer = Answer({})

    def asked(self, sent: Mapping[str, Any]) -> None:
        """Note what the client asked for: the response repeats some of it."""
        self._sent = sent
        self._answer = Answer(sent)

    def refused(self, error: ServerError) -> ServerError:
        """Return the error with the client's own names and places."""
        return error if self._sent is None else blamed(error, self._sent)

    def told(self, reply: Reply) -> Reply:
        """Return the reply as a response, or as a stream of its events."""
        if reply.chunks is None:
            return reply
        if not reply.streams:
            return replace(reply, chunks=self._whole(reply.chunks))
        # OpenAI's streams of responses end with the event that has the whole response.
        return replace(reply, chunks=self._streamed(reply.chunks), done=b"")

    def broken(self, error: ServerError) -> bytes:
        """Return the events that close what is open and tell that the response has failed."""
        events = [_chunk(event) for event in self._answer.fail(envelope(error)["error"])]
        return b"".join(written(Event(chunk.data, chunk.name)) for chunk in events)

    async def _whole(self, chunks: Chunks) -> Chunks:
        async for chunk in chunks:
            if not chunk.pieces:
                raise EngineFailure("the engine's answer has no choice")
            for _ in (*self._answer.take(chunk), *self._answer.end()):
                pass  # nobody hears the events of an answer that is not streamed
            yield Chunk.of(self._answer.response, _FORM)

    async def _streamed(self, chunks: Chunks) -> Chunks:
        async for chunk in chunks:
            for event in self._answer.take(chunk):
                yield _chunk(event)
        for event in self._answer.end():
            yield _chunk(event)


def _chunk(event: Mapping[str, Any]) -> Chunk:
    return Chunk.of(event, _FORM, str(event["type"]).encode())
