"""Continuations: a choice that was cut goes on in a call of its own.

The call has the ids of the prompt's tokens and of those that were kept, on `/v1/completions`. So the model reads exactly the
tokens that it said, whatever the chat template would make of the text, and vLLM's prefix cache holds them already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from guard.processors.arguments import AVOID, HITS, KEY
from server.answers.repair import Again

PATH: Final = "/v1/completions"
# What the two routes have in common, besides what `continued` sets itself: fields that shape each token, not the whole answer.
_SHARED: Final = (
    "model", "temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty", "repetition_penalty",
    "logit_bias", "bad_words", "allowed_token_ids", "ignore_eos", "stop", "stop_token_ids", "include_stop_str_in_output",
    "watermarking", "spaces_between_special_tokens", "repetition_detection", "priority", "cache_salt", "session_id", "user",
    "stream",
)  # fmt: skip
_MAX_SEED: Final = 2**63 - 1
_STRIDE: Final = 65537
_DEFAULT_LENGTH: Final = 16  # of /v1/completions, by OpenAI's API reference


def length(body: Mapping[str, Any], prompt: int, context: int) -> int:
    """Return how many tokens an answer may have: what the request says, or what is left of the context.

    Args:
        body: The request.
        prompt: The number of tokens of the prompt.
        context: The number of tokens of the model's context.
    """
    left = context - prompt
    asked = body.get("max_completion_tokens") or body.get("max_tokens")
    if asked is None and "prompt" in body:
        asked = _DEFAULT_LENGTH
    return left if asked is None else min(left, int(asked))


def continued(body: Mapping[str, Any], prompt: Sequence[int], again: Again, context: int) -> dict[str, Any]:
    """Return the body of the call with which a choice goes on.

    Args:
        body: The request as the engine got it first.
        prompt: The ids of the choice's prompt.
        again: What was kept.
        context: The number of tokens of the model's context.
    """
    sent = {name: body[name] for name in _SHARED if body.get(name) is not None}
    sent["prompt"] = [*prompt, *again.ids]
    sent["max_tokens"] = max(1, length(body, len(prompt), context) - len(again.ids))
    if body.get("min_tokens"):
        sent["min_tokens"] = min(max(0, int(body["min_tokens"]) - len(again.ids)), sent["max_tokens"])
    if body.get("seed") not in (None, -1):
        # Another seed for each try: with the same one the choice would draw the same number again.
        sent["seed"] = (int(body["seed"]) + again.choice + _STRIDE * (1 + len(again.ids)) + 257 * len(again.avoid)) % _MAX_SEED
    # Also where the client asks for none: they tell whether what was taken instead is fluent.
    sent["logprobs"] = top(body)
    sent["return_token_ids"] = True
    arguments = {name: value for name, value in body["vllm_xargs"].items() if name not in (KEY, HITS, AVOID)}
    sent["vllm_xargs"] = {**arguments, KEY: list(again.digests), AVOID: list(again.avoid)}
    if again.hits:
        sent["vllm_xargs"][HITS] = 1
    return sent


def scored(body: Mapping[str, Any]) -> bool:
    """Return whether a request asks for log probabilities: chat completions say `true`, completions say how many."""
    return body.get("logprobs") is not None and body["logprobs"] is not False


def top(body: Mapping[str, Any]) -> int:
    """Return how many likeliest tokens per step a request asks for."""
    logprobs = body.get("logprobs")
    return int(body.get("top_logprobs") or 0) if isinstance(logprobs, bool) or logprobs is None else int(logprobs)
