"""Telling: the form in which what becomes of one request reaches its client.

The routes of OpenAI's chat API have the form in which the engine answers. A route that translates requests has a telling of its
own, which translates the answers back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.answers.reply import Reply
from server.errors import ServerError
from server.http.deadline import last_events


class Telling:
    """Tells the client of one request what becomes of it, as the engine says it. A new request gets a new object."""

    def asked(self, sent: Mapping[str, Any]) -> None:
        """Note what the client asked for. The dialect has read the fields of `sent` without an error."""
        return

    def refused(self, error: ServerError) -> ServerError:
        """Return the error that a client without an answer gets."""
        return error

    def told(self, reply: Reply) -> Reply:
        """Return the reply that the client gets."""
        return reply

    def broken(self, error: ServerError) -> bytes:
        """Return the last events of a stream that has begun and ends with an error, such as that its time is over."""
        return last_events(error)
