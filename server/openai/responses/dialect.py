"""The dialect of `/v1/responses`: a chat, written another way."""

from __future__ import annotations

from typing import Any

from server.openai.dialect import Body
from server.openai.responses.fields import ACCEPTED
from server.openai.responses.request import translated
from server.openai.responses.telling import ResponseTelling
from server.openai.telling import Telling
from server.openai.translation import TranslatedChat


class Responses(TranslatedChat):
    """The route takes items and returns items."""

    name = "response"
    path = "/v1/responses"
    client_fields = ACCEPTED
    wide = frozenset({"text", "tools", "input"})

    def translated(self, body: Body, *, drop_unknown: bool) -> dict[str, Any]:
        """Return the chat completion request that the checked fields of a body mean. Raises BadRequest."""
        return translated(body, drop_unknown=drop_unknown)

    def telling(self) -> Telling:
        """Return what tells the client of a new request what becomes of it."""
        return ResponseTelling()


RESPONSES = Responses()
"""The dialect; it has no state."""
