"""The dialect of `/v1/completions`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from server.errors import BadRequest
from server.openai.dialect import Dialect, Tokens
from server.openai.fields import GUARD_CONFLICT
from server.openai.forms import CompletionForm
from server.openai.texts import bad, schemas, string
from server.screening.conversation import Text


class Completions(Dialect):
    """A prompt or several in, text out. Prompts may be token ids."""

    name = "completion"
    path = "/v1/completions"
    form = CompletionForm()
    prompt_field = "prompt"

    def check_together(self, body: Mapping[str, Any]) -> None:
        """Refuse `echo` with `logprobs`, which score the prompt."""
        if body.get("echo") and body.get("logprobs") is not None:
            raise BadRequest("`echo` with `logprobs` is not supported: they score the prompt.", param="echo", code=GUARD_CONFLICT)

    def texts(self, body: Mapping[str, Any], tokens: Tokens) -> list[Text]:
        """Return the prompt or prompts and the suffix; token ids decoded. Raises what `texts_of_completion` raises."""
        return texts_of_completion(body, tokens.decode, vocabulary=tokens.vocabulary)

    def shown(self, body: Mapping[str, Any]) -> list[str | Sequence[int]]:
        """Return the prompts."""
        return self.prompts(body)

    def prompts(self, body: Mapping[str, Any]) -> list[Any]:
        """Return the prompts, each as the client wrote it."""
        prompt = body.get("prompt")
        return prompt if isinstance(prompt, list) and prompt and not isinstance(prompt[0], int) else [prompt]

    def with_prompt(self, body: Mapping[str, Any], prompt: Any) -> dict[str, Any]:
        """Return the body with this one prompt."""
        return {**body, "prompt": prompt}


def texts_of_completion(
    body: Mapping[str, Any], decode: Callable[[Sequence[int]], str], *, vocabulary: int | None = None
) -> list[Text]:
    """All texts of a completion request: the prompt or prompts, token ids decoded with ``decode``, and the suffix.

    ``vocabulary`` is the number of token ids; without it, ids too large are left to ``decode`` (which may pass over them
    silently, as the fast tokenizers do) and to vLLM (which refuses them).

    Raises:
        BadRequest: no prompt, an empty one, or one that is not a string, a list of strings, a list of token ids or a list of
            lists of them; a token id that is no integer, negative or outside the vocabulary.
    """
    prompt = body.get("prompt")
    texts: list[Text] = []
    if isinstance(prompt, str) and prompt:
        texts.append(Text(prompt, "prompt"))
    elif isinstance(prompt, list) and prompt:
        if all(isinstance(item, str) for item in prompt):
            texts += [Text(item, f"prompt[{i}]") for i, item in enumerate(prompt)]
        elif all(isinstance(item, list) for item in prompt):
            texts += [Text(_decoded(item, decode, vocabulary, f"prompt[{i}]"), f"prompt[{i}]") for i, item in enumerate(prompt)]
        else:
            texts.append(Text(_decoded(prompt, decode, vocabulary, "prompt"), "prompt"))
    else:
        raise bad("prompt", "must be a string, a list of strings, a list of token ids or a list of lists of them, and not empty")
    suffix = body.get("suffix")
    if suffix is not None:
        texts.append(Text(string(suffix, "suffix"), "suffix"))
    return texts + schemas(body)


def _decoded(ids: list[Any], decode: Callable[[Sequence[int]], str], vocabulary: int | None, where: str) -> str:
    if not ids:
        raise bad(where, "is empty")
    for token in ids:
        # type(), not isinstance: true is an int to Python, and vLLM would read it, and 1.0, as the token 1.
        if type(token) is not int or token < 0 or (vocabulary is not None and token >= vocabulary):
            raise bad(where, "has a token id that is not in the vocabulary")
    try:
        return decode(ids)
    except (IndexError, KeyError, OverflowError, TypeError, ValueError):
        raise bad(where, "has token ids that cannot be decoded") from None


COMPLETIONS = Completions()
"""The dialect; it has no state."""
