"""Prompts that are longer than the model's context: refused before they are screened, which takes longer than to refuse.

vLLM refuses them too, by the exact count, which only the chat template and all of the text tell. What is counted here is a lower
bound: texts that every template shows. What lies between the bound and the exact count is screened, and refused by vLLM.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from server.errors import BadRequest
from server.refusals import TEXT_PARTS, Route
from server.texts import Text

CODE = "context_length_exceeded"
"""OpenAI's; client libraries look for it, and for the words "maximum context length"."""
CHARACTERS = 32
"""All texts of a request are together at most so many characters for each token of the context, shown by the template or not:
some seven contexts full of prose."""


class Counts(Protocol):
    """What counts tokens; an `Engine` does."""

    @property
    def context_length(self) -> int:
        """The number of tokens a prompt and its answer may have."""
        ...

    def least_tokens(self, text: str) -> int:
        """Return a lower bound of the tokens that `text` is in a prompt."""
        ...


def check_prompt(body: Mapping[str, Any], route: Route, engine: Counts) -> None:
    """Raise BadRequest if a prompt cannot fit into the context. The body is one that `server.texts` has read."""
    if route == "chat":
        # Together: however many messages there are, each is followed by the next one's marker, which is a token at least.
        _check(engine.least_tokens("\n".join(_shown(body["messages"]))), engine.context_length, "messages")
        return
    prompt = body["prompt"]
    several = isinstance(prompt, list) and not isinstance(prompt[0], int)
    for each in prompt if several else [prompt]:
        _check(engine.least_tokens(each) if isinstance(each, str) else len(each), engine.context_length, "prompt")


def check_texts(texts: Sequence[Text], context: int, param: str | None) -> None:
    """Raise BadRequest if so much would have to be screened that it can hardly be meant as one prompt."""
    characters = sum(len(text.text) for text in texts)
    if characters > CHARACTERS * context:
        raise BadRequest(
            f"This model's maximum context length is {context} tokens. However, your texts have {characters} characters. "
            f"At most {CHARACTERS * context} are screened. Please reduce their length.",
            param=param,
            code=CODE,
        )


def _check(tokens: int, context: int, param: str) -> None:
    if tokens > context:
        raise BadRequest(
            f"This model's maximum context length is {context} tokens. However, your {param} resulted in at least {tokens} "
            f"tokens. Please reduce the length of the {param}.",
            param=param,
            code=CODE,
        )


def _shown(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what users say. Of the other roles, templates leave out messages (tools, a second system message) or parts of them
    (what a model thought)."""
    for message in messages:
        content = message.get("content")
        if message["role"] != "user" or content is None:
            continue
        if isinstance(content, str):
            yield content
        else:
            # Joined by nothing, as some templates do, they are fewest tokens.
            yield "".join(part if isinstance(part, str) else _said(part) for part in content)


def _said(part: Mapping[str, Any]) -> str:
    return str(part["text"]) if TEXT_PARTS[part["type"]] == "text" else ""
