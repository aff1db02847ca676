"""The length of prompts: the server refuses a prompt that is longer than the model's context before it screens it.

To screen a long prompt takes longer than to count its tokens. vLLM refuses the prompt too, but it needs the chat template and all
of the text for the exact count. This module counts a lower bound from the texts that every template shows. The server still
screens a prompt that exceeds the context by the exact count and not by the lower bound; then vLLM refuses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from server.errors import BadRequest
from server.http.envelope import CONTEXT_LENGTH
from server.screening.conversation import Text

CHARACTERS = 32
"""The most characters per token of the context that all texts of a request may have, whether a template shows them or not.

Prose has four to five characters per token, so this is about seven contexts."""


class Counts(Protocol):
    """What counts tokens: an `Engine`."""

    @property
    def context_length(self) -> int:
        """The number of tokens that a prompt and its answer may have together."""
        ...

    def least_tokens(self, text: str) -> int:
        """Return a lower bound of the number of tokens of `text` in a prompt."""
        ...


def check_prompts(prompts: Sequence[str | Sequence[int]], engine: Counts, param: str) -> None:
    """Check that each prompt may fit into the context.

    Args:
        prompts: For each prompt, the text that every template shows, or its token ids.
        engine: What counts the tokens.
        param: The field of the request, for the error.

    Raises:
        BadRequest: A prompt does not fit.
    """
    for prompt in prompts:
        tokens = engine.least_tokens(prompt) if isinstance(prompt, str) else len(prompt)
        if tokens > engine.context_length:
            raise BadRequest(
                f"This model's maximum context length is {engine.context_length} tokens. However, your {param} resulted in at "
                f"least {tokens} tokens. Please reduce the length of the {param}.",
                param=param,
                code=CONTEXT_LENGTH,
            )


def check_texts(texts: Sequence[Text], context: int, param: str | None) -> None:
    """Raise BadRequest if all texts of a request together are longer than `CHARACTERS` per token of the `context`."""
    characters = sum(len(text.text) for text in texts)
    if characters > CHARACTERS * context:
        raise BadRequest(
            f"This model's maximum context length is {context} tokens. However, your texts have {characters} characters. "
            f"The server screens at most {CHARACTERS * context}. Please reduce their length.",
            param=param,
            code=CONTEXT_LENGTH,
        )
