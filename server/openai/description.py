"""The routes that generate, as OpenAPI 3.1 describes them: each field of `server.openai.fields`, and the form of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from server.openai.dialect import Dialect
from server.openai.fields import MAX_LOGPROBS, Field, Route

Schema = dict[str, Any]

_REFERENCE: Final = "#/components/schemas/"
_NAMES: Final[Mapping[Route, tuple[str, str]]] = {
    "chat": ("ChatCompletionRequest", "ChatCompletion"),
    "completion": ("CompletionRequest", "Completion"),
    "response": ("ResponseRequest", "Response"),
}
"""The names of the schemas of a route's request and answer."""
_SUMMARIES: Final[Mapping[Route, str]] = {
    "chat": "Answer a conversation under the guard",
    "completion": "Continue a prompt or several under the guard",
    "response": "Answer a conversation under the guard (OpenAI's Responses API)",
}
_PROMPTS: Final[Mapping[Route, str]] = {"chat": "messages", "completion": "prompt", "response": "input"}
"""The field that every request has."""
_EXAMPLES: Final[Mapping[Route, Schema]] = {
    "chat": {"messages": [{"role": "user", "content": "Name a river in Norway."}], "max_tokens": 64},
    "completion": {"prompt": "A river in Norway is", "max_tokens": 16},
    "response": {"input": "Name a river in Norway.", "max_output_tokens": 64},
}
"""A request of each route that every server answers: a page for trying the API sends it as it is."""
# Values of which some say nothing. They alone are allowed in a field that is refused, or dropped where it says nothing.
_HARMLESS: Final[tuple[Any, ...]] = (None, False, True, 0, [], {}, "none", "auto", ["text"])


def _a(kind: str, **more: Any) -> Schema:
    return {"type": kind, **more}


def _list(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


def _of(name: str) -> Schema:
    return {"$ref": _REFERENCE + name}


def _either(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


_STRING, _INTEGER, _NUMBER, _BOOLEAN, _OBJECT, _NULL = (
    _a(kind) for kind in ("string", "integer", "number", "boolean", "object", "null")
)
_IDS: Final = _list(_INTEGER)

_TYPES: Final[Mapping[str, Schema]] = {
    "messages": _list(_of("ChatMessage"), minItems=1),
    "prompt": _either(_STRING, _list(_STRING), _IDS, _list(_IDS)),
    "stop": _either(_STRING, _list(_STRING)),
    "tool_choice": _either(_a("string", enum=["none", "auto", "required"]), _OBJECT),
    "seed": _a("integer", minimum=-(2**63), maximum=2**63 - 1),
    "chat_template_kwargs": _a(
        "object", properties={"enable_thinking": _BOOLEAN, "thinking": _BOOLEAN}, additionalProperties=False
    ),
    **dict.fromkeys(("tools", "documents"), _list(_OBJECT)),
    **dict.fromkeys(("stop_token_ids", "allowed_token_ids"), _IDS),
    **dict.fromkeys(("response_format", "structured_outputs", "logit_bias", "metadata", "stream_options"), _OBJECT),
    **dict.fromkeys(("model", "suffix", "user", "cache_salt", "session_id"), _STRING),
    **dict.fromkeys(("temperature", "top_p", "min_p", "length_penalty"), _NUMBER),
    **dict.fromkeys(("frequency_penalty", "presence_penalty", "repetition_penalty"), _NUMBER),
    **dict.fromkeys(("n", "max_tokens", "max_completion_tokens", "best_of"), _a("integer", minimum=1)),
    **dict.fromkeys(("top_k", "min_tokens", "priority"), _INTEGER),
    **dict.fromkeys(("ignore_eos", "parallel_tool_calls", "add_special_tokens", "include_stop_str_in_output"), _BOOLEAN),
    "bad_words": _list(_STRING),
    "input": _either(_STRING, _list(_of("ResponseItem"), minItems=1)),
    **dict.fromkeys(("instructions", "safety_identifier", "prompt_cache_key"), _STRING),
    **dict.fromkeys(("text", "reasoning"), _OBJECT),
    "max_output_tokens": _a("integer", minimum=1),
    "top_logprobs": _a("integer", minimum=0, maximum=MAX_LOGPROBS),
    "include": _list(_STRING),
    "truncation": _a("string", enum=["auto", "disabled"]),
}
"""The types of fields that any value may have."""

_USAGE: Final = _a(
    "object",
    properties=dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens"), _INTEGER),
    required=["prompt_tokens", "total_tokens"],
)
_RESPONSE_USAGE: Final = _a(
    "object",
    properties=dict.fromkeys(("input_tokens", "output_tokens", "total_tokens"), _INTEGER)
    | dict.fromkeys(("input_tokens_details", "output_tokens_details"), _OBJECT),
    required=["input_tokens", "output_tokens", "total_tokens"],
)
_SHARED: Final[Mapping[Route, Mapping[str, Schema]]] = {
    "chat": {
        "ChatMessage": _a(
            "object",
            properties={
                "role": _a("string", description="system, developer, user, assistant or tool"),
                "content": _either(_STRING, _list(_of("ChatTextPart")), _NULL),
                "tool_calls": _either(_list(_OBJECT), _NULL),
                "tool_call_id": _either(_STRING, _NULL),
            },
            required=["role"],
            description="A message. The guard reads other keys, too, and does not pass them on.",
        ),
        "ChatTextPart": _a(
            "object",
            properties={"type": _STRING, "text": _STRING},
            description="A part of a message. The guard can read only text.",
        ),
        "ChatCompletionAnswer": _a(
            "object",
            properties={
                "role": _a("string", const="assistant"),
                "content": _either(_STRING, _NULL),
                "tool_calls": _list(_OBJECT),
            },
            required=["role", "content"],
        ),
    },
    "completion": {},
    "response": {
        "ResponseItem": _a(
            "object",
            properties={
                "type": _a("string", enum=["message", "reasoning", "function_call", "function_call_output"]),
                "role": _a("string", description="of a message: system, developer, user or assistant"),
                "content": _either(_STRING, _list(_OBJECT), _NULL),
                **dict.fromkeys(("call_id", "name", "arguments"), _STRING),
                "output": _either(_STRING, _list(_OBJECT)),
            },
            description="An item of a conversation; the items of an answer may be sent back as they are.",
        ),
        "ResponseUsage": _RESPONSE_USAGE,
    },
}
_FINISH: Final = {
    "anyOf": [_STRING, _NULL],
    "description": "stop, length, tool_calls, or content_filter, where the guard refused or ended the answer",
}

_RESPONSE: Final = _a(
    "object",
    properties={
        **dict.fromkeys(("id", "model"), _STRING),
        "object": _a("string", const="response"),
        "created_at": _INTEGER,
        "status": _a("string", enum=["completed", "incomplete", "failed", "in_progress"]),
        "incomplete_details": {
            **_either(_OBJECT, _NULL),
            "description": "its reason: max_output_tokens, or content_filter, where the guard refused or ended the answer",
        },
        "error": _either(_OBJECT, _NULL),
        "output": _list(_of("ResponseItem")),
        "usage": _either(_of("ResponseUsage"), _NULL),
    },
    required=["id", "object", "created_at", "model", "status", "output"],
)


def components(dialect: Dialect, *, drops: bool = False) -> dict[str, Schema]:
    """Return the schemas of a dialect's request and answer, and those that they refer to, by name.

    Args:
        dialect: The dialect.
        drops: Whether the server drops fields that it does not know (`GUARD_UNKNOWN_FIELDS`). Otherwise it refuses them.
    """
    request, answer = _NAMES[dialect.name]
    described = {request: _request(dialect, drops=drops), **_SHARED[dialect.name]}
    if dialect.name == "response":
        return {**described, answer: _RESPONSE}
    return {**described, answer: _answer(dialect, answer), f"{answer}Choice": _choice(dialect), "Usage": _USAGE}


def operation(dialect: Dialect) -> Schema:
    """Return the description of a dialect's route. Its references lead to `components`."""
    request, answer = _NAMES[dialect.name]
    stream = _a("string", description=f"with `stream`: server-sent events, each of which tells the next piece of a {answer}")
    decision = {"description": "names the decision about the request, as the audit log does", "schema": _STRING}
    return {
        "tags": ["generation"],
        "summary": _SUMMARIES[dialect.name],
        "operationId": f"create_{dialect.name}",
        "security": [{"HTTPBearer": []}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _of(request), "example": _EXAMPLES[dialect.name]}},
        },
        "responses": {
            "200": {
                "description": "The answer",
                "headers": {"x-guard-decision-id": decision},
                "content": {"application/json": {"schema": _of(answer)}, "text/event-stream": {"schema": stream}},
            },
            "default": {"description": "An error", "content": {"application/json": {"schema": _of("ErrorEnvelope")}}},
        },
    }


def _request(dialect: Dialect, *, drops: bool) -> Schema:
    return {
        "type": "object",
        "properties": {name: _field(field) for name, field in dialect.accepted.items()},
        "required": [_PROMPTS[dialect.name]],
        # A field with the value null means the same as no field, whatever its name.
        "additionalProperties": drops or _NULL,
    }


def _field(field: Field) -> Schema:
    told = {"description": f"{field.handling}: {field.reason}"}
    # `prompt` is another thing to responses than to completions.
    if field.name in _TYPES and (field.handling, field.routes) != ("refused", ("response",)):
        return {**_either(_TYPES[field.name], _NULL), **told}
    if field.allowed is None or field.handling == "replaced":
        return told
    if field.handling in ("refused", "dropped"):
        return {"enum": [value for value in _HARMLESS if field.allowed(value)], **told}
    if field.allowed(True) and field.allowed(False) and not field.allowed("x"):
        return {**_either(_BOOLEAN, _NULL), **told}
    return told


def _choice(dialect: Dialect) -> Schema:
    said = {"message": _of("ChatCompletionAnswer")} if dialect.name == "chat" else {"text": _STRING}
    return _a(
        "object",
        properties={"index": _INTEGER, **said, "finish_reason": _FINISH, "logprobs": _either(_OBJECT, _NULL)},
        required=["index", *said, "finish_reason"],
    )


def _answer(dialect: Dialect, name: str) -> Schema:
    kind = "chat.completion" if dialect.name == "chat" else "text_completion"
    return _a(
        "object",
        properties={
            "id": _STRING,
            "object": _a("string", const=kind),
            "created": _INTEGER,
            "model": _STRING,
            "choices": _list(_of(f"{name}Choice")),
            "usage": _of("Usage"),
        },
        required=["id", "object", "created", "model", "choices"],
    )
