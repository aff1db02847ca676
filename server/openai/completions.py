"""The dialect of `/v1/completions`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from server.errors import BadRequest
from server.openai.dialect import Dialect, Tokens
from server.openai.fields import GUARD_CONFLICT, UNSUPPORTED
from server.openai.forms import CompletionForm
from server.openai.texts import bad, schemas, string
from server.screening.conversation import Text


class Completions(Dialect):
    """The route takes one prompt or several and returns text. A prompt may be token ids."""

    name = "completion"
    path = "/v1/completions"
    form = CompletionForm()
    prompt_field = "prompt"

    def check_together(self, body: Mapping[str, Any]) -> None:
        """Refuse `echo` with `logprobs`, which score the prompt, and `best_of` that is not `n`."""
        best, n = body.get("best_of"), body.get("n")
        if best is not None and best != (1 if n is None else n):
            # vLLM 0.32 has no best_of. Where it is n, all answers are returned, and there is no best one to find.
            raise BadRequest("`best_of` must be the same as `n`: leave it out.", param="best_of", code=UNSUPPORTED)
        if body.get("echo") and body.get("logprobs") is not None:
            raise BadRequest(
                "`echo` with `logprobs` is not supported: leave one of them out. Together they score the prompt.",
                param="echo",
                code=GUARD_CONFLICT,
            )

    def texts(self, body: Mapping[str, Any], tokens: Tokens) -> list[Text]:
        """Return the prompt or prompts, with token ids decoded, and the suffix. Raises what `texts_of_completion` raises."""
        return texts_of_completion(body, tokens.decode, vocabulary=tokens.vocabulary)

    def shown(self, body: Mapping[str, Any]) -> list[str | Sequence[int]]:
        """Return the prompts."""
        return self.prompts(body)

    def prompts(self, body: Mapping[str, Any]) -> list[Any]:
        """Return the prompts, each as the client wrote it."""
        prompt = body.get("prompt")
        return prompt if isinstance(prompt, list) and prompt and not isinstance(prompt[0], int) else [prompt]

    def texts_by_prompt(self, body: Mapping[str, Any], texts: Sequence[Text]) -> list[list[Text]]:
        """Return the text of each prompt with the suffix and the schemas, which belong to all."""
        count = len(self.prompts(body))
        return [[texts[at], *texts[count:]] for at in range(count)]

    def continued(self, body: Mapping[str, Any]) -> list[Any]:
        """Return the prompts."""
        return self.prompts(body)

    def with_prompt(self, body: Mapping[str, Any], prompt: Any) -> dict[str, Any]:
        """Return the body with this one prompt."""
        return {**body, "prompt": prompt}


def texts_of_completion(
    body: Mapping[str, Any], decode: Callable[[Sequence[int]], str], *, vocabulary: int | None = None
) -> list[Text]:
    """Return all texts of a completion request: the prompt or prompts, then the suffix, then the schemas.

    Args:
        body: The request.
        decode: Returns the text of token ids.
        vocabulary: The number of token ids. Without it this function does not check how large an id is: `decode` may skip ids
            that are too large, as fast tokenizers do, and vLLM refuses them.

    Raises:
        BadRequest: The prompt is missing, empty, or not a string, a list of strings, a list of token ids or a list of such
            lists; or a token id is not an integer, is negative or is outside the vocabulary.
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
        raise bad("prompt", "must be a string, a list of strings, a list of token ids or a list of such lists, and not empty")
    suffix = body.get("suffix")
    if suffix is not None:
        texts.append(Text(string(suffix, "suffix"), "suffix"))
    return texts + schemas(body)


def _decoded(ids: list[Any], decode: Callable[[Sequence[int]], str], vocabulary: int | None, where: str) -> str:
    if not ids:
        raise bad(where, "is empty: it must have at least one token id")
    for token in ids:
        # type(), not isinstance: to Python `True` is an int, and vLLM would read true and 1.0 as the token 1.
        if type(token) is not int or token < 0 or (vocabulary is not None and token >= vocabulary):
            raise bad(where, "has a token id that is not an integer or not in the model's vocabulary")
    try:
        return decode(ids)
    except (IndexError, KeyError, OverflowError, TypeError, ValueError):
        raise bad(where, "has token ids that the tokenizer cannot decode") from None


COMPLETIONS = Completions()
"""The dialect; it has no state."""
