"""Dialects whose requests are translated into requests for a chat completion."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from server.openai.chat import CHAT, ChatCompletions
from server.openai.dialect import Body
from server.openai.fields import BY_ROUTE, Field, check, given


class TranslatedChat(ChatCompletions):
    """`given` translates a request into one for a chat completion.

    All that follows is what the dialect of chat completions does: the same fields, texts, restrictions and answers. vLLM's own
    routes of these names are not used.
    """

    client_fields: ClassVar[Mapping[str, Field]]
    """Every field of a client's body."""

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
        return self.client_fields

    def given(self, body: Body, *, drop_unknown: bool = False) -> dict[str, Any]:
        """Return the chat completion request that a client's body means.

        Raises:
            BadRequest: A field is unknown or not served, or cannot be translated.
        """
        kept = given(body, self.client_fields, drop_unknown=drop_unknown)
        check(kept, self.client_fields)
        return super().given(self.translated(kept, drop_unknown=drop_unknown))

    @abstractmethod
    def translated(self, body: Body, *, drop_unknown: bool) -> dict[str, Any]:
        """Return the chat completion request that the checked fields of a body mean. Raises BadRequest."""
