"""Errors as Anthropic's API tells them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from server.errors import ServerError
from server.http.envelope import CONTEXT_LENGTH

PREFIX: Final = "/v1/messages"
"""The errors of this path, and of all below it, have the `envelope` of this module."""

_TYPES: Final[Mapping[int, str]] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


def envelope(error: ServerError) -> dict[str, Any]:
    """Return the JSON body of an error: Anthropic's, with `param` and `code` as in the other errors of the server."""
    kind = _TYPES.get(error.status, "invalid_request_error" if error.status < 500 else "api_error")
    # By these words clients (LangChain, LiteLLM, Claude Code) tell that they should shorten the conversation.
    message = f"prompt is too long: {error.message}" if error.code == CONTEXT_LENGTH else error.message
    return {"type": "error", "error": {"type": kind, "message": message, "param": error.param, "code": error.code}}


def event(error: ServerError) -> bytes:
    """Return the event with which a stream ends that fails."""
    return b"event: error\ndata: " + json.dumps(envelope(error), ensure_ascii=False).encode() + b"\n\n"
