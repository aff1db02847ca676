"""What becomes of a request for a message, as Anthropic's API tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from server.answers.chunk import Chunk, Chunks
from server.answers.reply import Reply, only
from server.anthropic import errors
from server.anthropic.answer import message
from server.anthropic.request import PLACES
from server.anthropic.stream import events
from server.errors import RATE_ERROR, SERVER_ERROR, ServerError
from server.openai.telling import Telling

_STATUS: Final[Mapping[str, int]] = {SERVER_ERROR: 500, RATE_ERROR: 429}


class MessageTelling(Telling):
    """Tells the client of one request what becomes of it, in messages and their events."""

    def __init__(self) -> None:
        self._translated = False

    def asked(self, sent: Mapping[str, Any]) -> None:
        """Note that the request has been translated: a later error names places in the request for a chat completion."""
        self._translated = True

    def refused(self, error: ServerError) -> ServerError:
        """Return the error with the names that the fields have in a request for a message."""
        if not self._translated or error.param is None:
            return error
        field = error.param.partition("[")[0].partition(".")[0]
        if field in PLACES:
            error.message = error.message.replace(field, PLACES[field])
            error.param = PLACES[field]
        elif field == "messages":
            # The messages of the chat are others: a result of a tool is one of its own.
            error.param = field
        error.param = error.param.replace(".function.parameters", ".input_schema").replace(".function.", ".")
        return error

    def told(self, reply: Reply) -> Reply:
        """Return the message, or the stream of its events."""
        if reply.chunks is None:
            return reply
        chunks = self._named(events(reply.chunks)) if reply.streams else _whole(reply.chunks)
        return replace(reply, chunks=chunks, done=b"")

    def broken(self, error: ServerError) -> bytes:
        """Return the event with which a stream ends that fails."""
        return errors.event(self.refused(error))

    async def _named(self, chunks: Chunks) -> Chunks:
        async for chunk in chunks:
            if chunk.name is None and chunk.error is not None:
                yield Chunk.of(errors.envelope(self.refused(_error(chunk.error))), chunk.form, b"error")
            else:
                yield chunk


def _error(told: Mapping[str, Any]) -> ServerError:
    """Return an error that is told in a stream, in OpenAI's envelope."""
    kind = str(told.get("type"))
    known = {name: told.get(name) for name in ("param", "code")}
    return ServerError(str(told.get("message")), status=_STATUS.get(kind, 400), type=kind, **known)


async def _whole(chunks: Chunks) -> Chunks:
    chat = await only(chunks)
    yield Chunk.of(message(chat.body), chat.form)
