"""The length of prompts: those longer than the model's context are refused before they are screened, which takes longer.

vLLM refuses them too, by the exact count, which only the chat template and all of the text tell. This module counts a lower
bound: texts that every template shows. What lies between the bound and the exact count is screened, and refused by vLLM.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from server.errors import BadRequest
from server.screening.conversation import Text

CODE = "context_length_exceeded"
"""OpenAI's; client libraries look for it, and for the words "maximum context length"."""
CHARACTERS = 32
"""All texts of a request together have at most this many characters per token of the context, shown by the template or not: about
seven contexts full of prose."""


class Counts(Protocol):
    """What counts tokens; an `Engine` does."""

    @property
    def context_length(self) -> int:
        """The number of tokens a prompt and its answer may have."""
        ...

    def least_tokens(self, text: str) -> int:
        """Return a lower bound of the tokens that `text` is in a prompt."""
        ...


def check_prompts(prompts: Sequence[str | Sequence[int]], engine: Counts, param: str) -> None:
    """Check that each prompt may fit into the context.

    Args:
        prompts: of each, the text that every template shows, or its token ids.
        engine: what counts the tokens.
        param: the request's field, for the error.

    Raises:
        BadRequest: one cannot fit.
    """
    for prompt in prompts:
        tokens = engine.least_tokens(prompt) if isinstance(prompt, str) else len(prompt)
        if tokens > engine.context_length:
            raise BadRequest(
                f"This model's maximum context length is {engine.context_length} tokens. However, your {param} resulted in at "
                f"least {tokens} tokens. Please reduce the length of the {param}.",
                param=param,
                code=CODE,
            )


def check_texts(texts: Sequence[Text], context: int, param: str | None) -> None:
    """Raise BadRequest if the texts of a request are so long that they can hardly be meant as one prompt."""
    characters = sum(len(text.text) for text in texts)
    if characters > CHARACTERS * context:
        raise BadRequest(
            f"This model's maximum context length is {context} tokens. However, your texts have {characters} characters. "
            f"At most {CHARACTERS * context} are screened. Please reduce their length.",
            param=param,
            code=CODE,
        )
