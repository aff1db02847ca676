"""The dialect of `/v1/responses`: a chat, written another way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.openai.chat import CHAT, ChatCompletions
from server.openai.fields import BY_ROUTE, Field, check, given
from server.openai.responses.fields import ACCEPTED
from server.openai.responses.request import translated
from server.openai.responses.telling import ResponseTelling
from server.openai.telling import Telling


class Responses(ChatCompletions):
    """The route takes items and returns items.

    `given` translates a request into one for a chat completion. All that follows is what the dialect of chat completions does:
    the same fields, texts, restrictions and answers. vLLM's own route of this name is not used.
    """

    name = "response"
    path = "/v1/responses"
    wide = frozenset({"text", "tools", "input"})

    @property
    def engine_path(self) -> str:
        """The path of the engine's chat completions."""
        return CHAT.path

    @property
    def fields(self) -> Mapping[str, Field]:
        """Every field of a chat completion request."""
        return BY_ROUTE[CHAT.name]

    @property
    def accepted(self) -> Mapping[str, Field]:
        """Every field of a client's body."""
        return ACCEPTED

    def given(self, body: Mapping[str, Any], *, drop_unknown: bool = False) -> dict[str, Any]:
        """Return the chat completion request that a client's body means.

        Raises:
            BadRequest: A field is unknown or not served, or cannot be translated.
        """
        kept = given(body, ACCEPTED, drop_unknown=drop_unknown)
        check(kept, ACCEPTED)
        return super().given(translated(kept, drop_unknown=drop_unknown))

    def telling(self) -> Telling:
        """Return what tells the client of a new request what becomes of it."""
        return ResponseTelling()


RESPONSES = Responses()
"""The dialect; it has no state."""
