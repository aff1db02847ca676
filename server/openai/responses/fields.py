"""What the server does with each field of a request for a response. `server.openai.fields` explains the words.

The names are those of OpenAI's API reference (responses, create), and those of vLLM's own that shape an answer. The server stores
nothing: a field that refers to something stored is refused, unless it says nothing.
"""

from collections.abc import Mapping
from typing import Any, Final

from server.openai.fields import BY_ROUTE, MAX_LOGPROBS, UNSUPPORTED, Field, Handling, Predicate, Route

_ROUTES: Final[tuple[Route, ...]] = ("response",)


def _nothing(value: Any) -> bool:
    return value is None or value is False or value in ([], {})


def _boolean(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _object(value: Any) -> bool:
    return value is None or isinstance(value, dict)


def _string(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _one_or_more(value: Any) -> bool:
    return value is None or (type(value) is int and value >= 1)


def _capped(value: Any) -> bool:
    return value is None or (type(value) is int and 0 <= value <= MAX_LOGPROBS)


def _truncation(value: Any) -> bool:
    return value in (None, "auto", "disabled")


def _field(name: str, handling: Handling, reason: str, allowed: Predicate | None = None, code: str = "invalid_value") -> Field:
    return Field(name, handling, reason, _ROUTES, allowed, code)


def _refused(name: str, reason: str) -> Field:
    return _field(name, "refused", reason, _nothing, UNSUPPORTED)


_NO: Final = "is not supported, so leave it out: the server"
_HINT: Final = "a hint that means nothing here"

_OWN: Final = (
    _field("input", "screened", "read by the model"),
    _field("instructions", "screened", "must be a string: the model reads it as a system message", _string),
    _field("tools", "screened", "read by the model; each must be a function"),
    _field("tool_choice", "screened", "read by the model"),
    _field("text", "screened", "must be an object: its format constrains the answer", _object),
    _field("reasoning", "passed", "must be an object: its effort is a word that the template knows", _object),
    _field("max_output_tokens", "passed", "must be an integer of at least 1", _one_or_more),
    _field("include", "passed", "a list: log probabilities, or what no answer of this server has"),
    _field("top_logprobs", "passed", f"must be an integer from 0 to {MAX_LOGPROBS}", _capped),
    # --- refused: they refer to what is stored, or ask the server to do more than to answer
    _refused("previous_response_id", f"{_NO} stores no responses. Send the whole conversation in `input`"),
    _refused("conversation", f"{_NO} stores no conversations. Send the whole conversation in `input`"),
    _refused("prompt", f"{_NO} stores no prompts. Send `instructions` and `input`"),
    _refused("background", "must be false: the server stores no responses, so nobody could fetch one later"),
    _refused("background_options", f"{_NO} does not answer in the background"),
    _refused("context_management", f"{_NO} does not shorten conversations"),
    _refused("moderation", f"{_NO} moderates by its own policy"),
    # --- dropped
    _field("store", "dropped", "must be true or false; the server stores nothing, whatever it says", _boolean),
    # A conversation that does not fit is refused either way: what is left out of it would change what it is about.
    _field("truncation", "dropped", "must be auto or disabled; the server leaves nothing out", _truncation),
    _field("metadata", "dropped", "must be an object; the answer repeats it", _object),
    _field("stream_options", "dropped", "must be an object; the server pads no events", _object),
    *(
        _field(name, "dropped", "the caller's bookkeeping")
        for name in ("service_tier", "safety_identifier", "client_metadata", "access_programs")
    ),
    *(
        _field(name, "dropped", "a hint to a cache")
        for name in ("prompt_cache_key", "prompt_cache_retention", "prompt_cache_options")
    ),
    _field("max_tool_calls", "dropped", "limits built-in tools, of which the server has none"),
    _field("image", "dropped", _HINT),
    _field("verbosity", "dropped", _HINT),
)

SHARED: Final = (
    "model", "user", "stream", "temperature", "top_p", "parallel_tool_calls",
    "top_k", "min_p", "seed", "stop", "frequency_penalty", "presence_penalty", "repetition_penalty", "logit_bias",
    "min_tokens", "ignore_eos", "include_stop_str_in_output", "skip_special_tokens", "chat_template_kwargs", "priority",
    "cache_salt", "session_id", "vllm_xargs", "request_id",
)  # fmt: skip
"""The fields that chat completions have under the same name: OpenAI's, then vLLM's."""

ACCEPTED: Final[Mapping[str, Field]] = {field.name: field for field in (*_OWN, *(BY_ROUTE["chat"][name] for name in SHARED))}
"""Every field by name."""
