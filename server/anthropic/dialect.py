"""The dialects of `/v1/messages` and of the route that counts its tokens: a chat, written another way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.anthropic.errors import PREFIX
from server.anthropic.fields import ACCEPTED
from server.anthropic.request import translated
from server.anthropic.telling import MessageTelling
from server.openai.chat import CHAT, ChatCompletions
from server.openai.dialect import Tokens
from server.openai.fields import BY_ROUTE, Field, check, given
from server.openai.telling import Telling


class Messages(ChatCompletions):
    """The route takes a conversation in blocks and returns the next message in blocks.

    `given` translates a request into one for a chat completion. All that follows is what the dialect of chat completions does:
    the same fields, texts, restrictions and answers. vLLM's own route of this name is not used.
    """

    name = "message"
    path = PREFIX
    wide = frozenset({"messages", "system", "tools", "output_config", "output_format"})
    counts = False
    """Whether the route only counts tokens."""

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
        return super().given(translated(kept, counts=self.counts))

    def passed(self, body: Mapping[str, Any], engine: Tokens) -> dict[str, Any]:
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
