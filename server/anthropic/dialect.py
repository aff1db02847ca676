"""The dialects of `/v1/messages` and of the route that counts its tokens: a chat, written another way."""

from __future__ import annotations

from typing import Any

from server.anthropic.errors import PREFIX
from server.anthropic.fields import ACCEPTED
from server.anthropic.request import translated
from server.anthropic.telling import MessageTelling
from server.openai.dialect import Body, Tokens
from server.openai.telling import Telling
from server.openai.translation import TranslatedChat


class Messages(TranslatedChat):
    """The route takes a conversation in blocks and returns the next message in blocks."""

    name = "message"
    path = PREFIX
    client_fields = ACCEPTED
    wide = frozenset({"messages", "system", "tools", "output_config", "output_format"})
    counts = False
    """Whether the route only counts tokens."""

    def translated(self, body: Body, *, drop_unknown: bool) -> dict[str, Any]:
        """Return the chat completion request that the checked fields of a body mean. Raises BadRequest."""
        return translated(body, counts=self.counts)

    def passed(self, body: Body, engine: Tokens) -> dict[str, Any]:
        """Return the body for the engine, without a limit that is no limit.

        This API demands `max_tokens`, so clients send a number for the models that they know. vLLM refuses more than fits into
        the context. Without a number, it goes on until the context is full.
        """
        kept = super().passed(body, engine)
        if kept.get("max_tokens", 0) >= engine.context_length:
            del kept["max_tokens"]
        return kept

    def telling(self) -> Telling:
        """Return what tells the client of a new request what becomes of it."""
        return MessageTelling()


class CountTokens(Messages):
    """The route takes the same conversation and returns how many tokens the model would read."""

    path = f"{PREFIX}/count_tokens"
    counts = True


MESSAGES = Messages()
"""The dialect; it has no state."""
COUNT_TOKENS = CountTokens()
"""The dialect; it has no state."""
