"""The routes of Anthropic's Messages API, as OpenAPI 3.1 describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from server.anthropic.dialect import Messages
from server.openai.fields import Field

Schema = dict[str, Any]

_STRING: Final[Schema] = {"type": "string"}
_INTEGER: Final[Schema] = {"type": "integer"}
_OBJECT: Final[Schema] = {"type": "object"}
_NULL: Final[Schema] = {"type": "null"}
_NUMBER: Final[Schema] = {"type": "number"}
_NAME: Final[Schema] = {"anyOf": [_STRING, _NULL]}
_NOTHING: Final[Schema] = {"enum": [[], {}]}
_BLOCKS: Final[Schema] = {"type": "array", "items": {"$ref": "#/components/schemas/MessageBlock"}}
_CONTENT: Final[Schema] = {"anyOf": [_STRING, _BLOCKS]}

_TYPES: Final[Mapping[str, Schema]] = {
    "messages": {"type": "array", "items": {"$ref": "#/components/schemas/MessageTurn"}, "minItems": 1},
    "system": _CONTENT,
    "tools": {"type": "array", "items": _OBJECT},
    **dict.fromkeys(("tool_choice", "output_config", "output_format", "thinking", "metadata"), _OBJECT),
    "model": _STRING,
    "max_tokens": {"type": "integer", "minimum": 1},
    **dict.fromkeys(("temperature", "top_p"), _NUMBER),
    "top_k": _INTEGER,
    "stop_sequences": {"type": "array", "items": _STRING},
    "stream": {"type": "boolean"},
    **dict.fromkeys(("container", "mcp_servers"), _NOTHING),
}

_COUNTS: Final = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_SCHEMAS: Final[Mapping[str, Schema]] = {
    "MessageTurn": {
        "type": "object",
        "properties": {"role": {"type": "string", "enum": ["user", "assistant", "system"]}, "content": _CONTENT},
        "required": ["role", "content"],
        "description": "A last message of the role assistant is the beginning of the answer.",
    },
    "MessageBlock": {
        "type": "object",
        "properties": {"type": _STRING, "text": _STRING},
        "required": ["type"],
        "description": "text, tool_use, tool_result, thinking or redacted_thinking. The guard can read only text.",
    },
    "Message": {
        "type": "object",
        "properties": {
            "id": _STRING,
            "type": {"type": "string", "const": "message"},
            "role": {"type": "string", "const": "assistant"},
            "model": _STRING,
            "content": _BLOCKS,
            "stop_reason": {
                **_STRING,
                "description": "end_turn, max_tokens, stop_sequence, tool_use, or refusal, where the guard ended the answer",
            },
            "stop_sequence": _NAME,
            "usage": {"type": "object", "properties": dict.fromkeys(_COUNTS, _INTEGER), "required": list(_COUNTS)},
        },
        "required": ["id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"],
    },
    "MessageTokens": {"type": "object", "properties": {"input_tokens": _INTEGER}, "required": ["input_tokens"]},
    "MessageError": {
        "type": "object",
        "properties": {
            "type": {"type": "string", "const": "error"},
            "error": {
                "type": "object",
                "properties": {**dict.fromkeys(("type", "message"), _STRING)} | dict.fromkeys(("param", "code"), _NAME),
                "required": ["type", "message", "param", "code"],
            },
        },
        "required": ["type", "error"],
    },
}


def components(dialect: Messages, *, drops: bool = False) -> dict[str, Schema]:
    """Return the schemas of a dialect's request and answer, and those that they refer to, by name.

    Args:
        dialect: The dialect.
        drops: Whether the server drops fields that it does not know (`GUARD_UNKNOWN_FIELDS`). Otherwise it refuses them.
    """
    request = {
        "type": "object",
        "properties": {name: _field(field) for name, field in dialect.accepted.items()},
        "required": ["messages"] if dialect.counts else ["messages", "max_tokens"],
        # A field with the value null means the same as no field, whatever its name.
        "additionalProperties": drops or _NULL,
    }
    return {_request(dialect): request, **_SCHEMAS}


def operation(dialect: Messages) -> Schema:
    """Return the description of a dialect's route. Its references lead to `components`."""
    answer: Schema = {"application/json": {"schema": _of("MessageTokens" if dialect.counts else "Message")}}
    response: Schema = {"description": "The answer", "content": answer}
    if not dialect.counts:
        answer["text/event-stream"] = {"schema": {**_STRING, "description": "with `stream`: the events of a message"}}
        decision = {"description": "names the decision about the request, as the audit log does", "schema": _STRING}
        response["headers"] = {"x-guard-decision-id": decision}
    told = "Count the tokens that the model would read" if dialect.counts else "Answer a conversation under the guard"
    return {
        "tags": ["models" if dialect.counts else "generation"],
        "summary": f"{told} (Anthropic's Messages API)",
        "operationId": "count_message_tokens" if dialect.counts else "create_message",
        "security": [{"HTTPBearer": []}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _of(_request(dialect))}}},
        "responses": {
            "200": response,
            "default": {"description": "An error", "content": {"application/json": {"schema": _of("MessageError")}}},
        },
    }


def _request(dialect: Messages) -> str:
    return "MessageTokensRequest" if dialect.counts else "MessageRequest"


def _of(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _field(field: Field) -> Schema:
    told = {"description": f"{field.handling}: {field.reason}"}
    return {"anyOf": [_TYPES[field.name], _NULL], **told} if field.name in _TYPES else told
