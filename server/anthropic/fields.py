"""What the server does with each field of a request for a message. `server.openai.fields` explains the words.

The names are those of Anthropic's API reference (Messages, create), beta fields included.
"""

from collections.abc import Mapping
from typing import Any, Final

from server.openai.fields import UNSUPPORTED, Field, Handling, Predicate, Route

_ROUTES: Final[tuple[Route, ...]] = ("message",)


def _boolean(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _object(value: Any) -> bool:
    return value is None or isinstance(value, dict)


def _one_or_more(value: Any) -> bool:
    return value is None or (type(value) is int and value >= 1)


def _integer(value: Any) -> bool:
    return value is None or type(value) is int


def _number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _strings(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(each, str) for each in value))


def _nothing(value: Any) -> bool:
    return value is None or value in ([], {})


def _field(name: str, handling: Handling, reason: str, allowed: Predicate | None = None, code: str = "invalid_value") -> Field:
    return Field(name, handling, reason, _ROUTES, allowed, code)


_NO: Final = "is not supported, so leave it out: the server"

_FIELDS: Final = (
    _field("messages", "screened", "read by the model"),
    _field("system", "screened", "read by the model"),
    _field("tools", "screened", "read by the model; each must be a tool of the client's own"),
    _field("tool_choice", "screened", "must be an object: the model reads the tool that it names", _object),
    _field("output_config", "screened", "must be an object: its format constrains the answer", _object),
    _field("output_format", "screened", "must be an object: it constrains the answer", _object),
    _field("model", "passed", "which model or adapter; all run under the same guard"),
    _field("max_tokens", "passed", "must be an integer of at least 1", _one_or_more),
    _field("temperature", "passed", "must be a number", _number),
    _field("top_p", "passed", "must be a number", _number),
    _field("top_k", "passed", "must be an integer", _integer),
    _field("stop_sequences", "passed", "must be a list of strings", _strings),
    _field("stream", "passed", "must be true or false", _boolean),
    _field("thinking", "passed", "must be an object: its type switches the thinking of templates that know it", _object),
    # --- refused: they refer to what the server does not have
    _field("container", "refused", f"{_NO} runs no code", _nothing, UNSUPPORTED),
    _field("mcp_servers", "refused", f"{_NO} calls no other servers", _nothing, UNSUPPORTED),
    # --- dropped
    _field("metadata", "dropped", "must be an object; the caller's bookkeeping", _object),
    *(_field(name, "dropped", "the caller's bookkeeping") for name in ("service_tier", "user_profile_id", "diagnostics")),
    *(_field(name, "dropped", "names a version of the API") for name in ("betas", "anthropic_version", "anthropic_beta")),
    *(_field(name, "dropped", "a hint that means nothing here") for name in ("inference_geo", "speed", "context_management")),
    _field("cache_control", "dropped", "a hint to a cache"),
)

ACCEPTED: Final[Mapping[str, Field]] = {field.name: field for field in _FIELDS}
"""Every field of a client's body, by name."""
