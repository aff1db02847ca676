"""Requests: a request for a response becomes a request for a chat completion, and an error's place becomes the client's again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from server.errors import BadRequest, ServerError
from server.openai.fields import UNSUPPORTED
from server.openai.responses.fields import SHARED
from server.openai.responses.items import places, turns
from server.openai.texts import bad, objects, string

Body = Mapping[str, Any]

LOGPROBS: Final = "message.output_text.logprobs"
"""What `include` says for log probabilities."""
# What else OpenAI's API lists. No answer of this server has it, so nothing is left out.
_NEVER: Final = re.compile(
    r"reasoning\.encrypted_content|(web_search|file_search|code_interpreter|computer)_call(_output)?\.[a-z_.]+"
    r"|message\.input_image\.[a-z_.]+"
)
_FORMATS: Final = ("text", "json_object", "json_schema")
_FORMAT_KEYS: Final = ("name", "schema", "strict", "description")
_TOOL_KEYS: Final = ("name", "description", "parameters", "strict")

# The names that chat completions have for what a response calls otherwise. The first that fits counts.
_NAMES: Final = (
    (re.compile(r"^messages\[(\d+)\]"), ""),
    (re.compile(r"^messages\b"), "input"),
    (re.compile(r"^(max_completion_tokens|max_tokens)$"), "max_output_tokens"),
    (re.compile(r"^response_format(\.json_schema)?"), "text.format"),
    (re.compile(r"^reasoning_effort$"), "reasoning.effort"),
    (re.compile(r"^logprobs$"), "include"),
    (re.compile(r"^(tools\[\d+\])\.function\b"), r"\1"),
    (re.compile(r"^tool_choice\.function\b"), "tool_choice"),
)


def translated(body: Body, *, drop_unknown: bool = False) -> dict[str, Any]:
    """Return the chat completion request that a request for a response means.

    Args:
        body: The fields that have a value, each of them accepted (`server.openai.responses.fields`).
        drop_unknown: Whether what the server does not know is left out: tools that are no functions, keys of `text`. Otherwise it
            is refused.

    Raises:
        BadRequest: Something in a field cannot be translated. `param` names the place in the client's body.
    """
    asked: dict[str, Any] = {name: body[name] for name in SHARED if name in body}
    asked["messages"] = [turn.message for turn in turns(body.get("instructions"), body.get("input"))]
    tools = _tools(body.get("tools"), drop=drop_unknown)
    asked |= _chosen(tools, body.get("tool_choice"))
    asked |= _format(body.get("text") or {}, drop=drop_unknown)
    if "max_output_tokens" in body:
        asked["max_completion_tokens"] = body["max_output_tokens"]
    if (effort := (body.get("reasoning") or {}).get("effort")) is not None:
        asked["reasoning_effort"] = effort
    if LOGPROBS in _included(body.get("include")):
        asked |= {"logprobs": True, "top_logprobs": body.get("top_logprobs", 0)}
    if body.get("stream"):
        asked["stream_options"] = {"include_usage": True}
    return asked


def blamed(error: ServerError, sent: Body) -> ServerError:
    """Return an error about a chat completion request with the name and the place that the client's body has.

    Args:
        error: The error.
        sent: The client's body.
    """
    if error.param is None:
        return error
    found = error.param
    for pattern, name in _NAMES:
        if match := pattern.match(found):
            own = _place(int(match[1]), sent) if not name else match.expand(name)
            found = own + ("" if not name and "tool_calls" in found else found[match.end() :])
            break
    message = error.message.replace(error.param, found)
    return ServerError(message, status=error.status, type=error.type, param=found, code=error.code, headers=error.headers)


def _place(at: int, sent: Body) -> str:
    found: Sequence[str] = places(turns(sent.get("instructions"), sent.get("input")))
    return found[at] if at < len(found) else "input"


def _tools(tools: Any, *, drop: bool) -> list[dict[str, Any]]:
    kept = []
    for at, tool in enumerate(objects(tools, "tools")):
        if tool.get("type") == "function":
            string(tool.get("name"), f"tools[{at}].name")
            kept.append({key: tool[key] for key in _TOOL_KEYS if tool.get(key) is not None})
        elif not drop:
            raise BadRequest(
                "The server has no built-in tools, so every tool must have the type function: leave other tools out.",
                param=f"tools[{at}].type",
                code=UNSUPPORTED,
            )
    return kept


def _chosen(tools: Sequence[dict[str, Any]], choice: Any) -> dict[str, Any]:
    """Return the fields of a chat completion request that say which functions may be called."""
    if isinstance(choice, dict):
        kind = choice.get("type")
        if kind == "function":
            choice = {"type": "function", "function": {"name": string(choice.get("name"), "tool_choice.name")}}
        elif kind == "allowed_tools":
            allowed = {each.get("name") for each in objects(choice.get("tools"), "tool_choice.tools")}
            tools = [tool for tool in tools if tool["name"] in allowed]
            choice = choice.get("mode", "auto")
            if choice not in ("auto", "required"):
                raise bad("tool_choice.mode", "must be auto or required")
            if not tools:
                raise bad("tool_choice.tools", "must name at least one function in `tools`")
        else:
            raise BadRequest(
                "The server has no built-in tools: `tool_choice` may be none, auto, required, or of the type function or "
                "allowed_tools.",
                param="tool_choice.type",
                code=UNSUPPORTED,
            )
    elif choice not in (None, "none", "auto", "required"):
        raise bad("tool_choice", "must be none, auto, required or an object")
    asked: dict[str, Any] = {"tools": [{"type": "function", "function": tool} for tool in tools]} if tools else {}
    # Without tools there is none to choose.
    return asked | ({"tool_choice": choice} if choice is not None and (tools or choice not in ("none", "auto")) else {})


def _format(text: Body, *, drop: bool) -> dict[str, Any]:
    """Return the field of a chat completion request that constrains the answer."""
    unknown = [key for key, value in text.items() if key not in ("format", "verbosity") and value is not None]
    if unknown and not drop:
        raise BadRequest("`text` may have `format` and `verbosity`: leave other keys out.", param="text", code=UNSUPPORTED)
    form = text.get("format")
    if form is None:
        return {}
    if not isinstance(form, dict):
        raise bad("text.format", "must be an object")
    kind = form.get("type")
    if kind not in _FORMATS:
        raise bad("text.format.type", f"must be one of {', '.join(_FORMATS)}")
    if kind == "text":
        return {}
    if kind == "json_object":
        return {"response_format": {"type": kind}}
    string(form.get("name"), "text.format.name")
    if not isinstance(form.get("schema"), dict):
        raise bad("text.format.schema", "must be a JSON schema")
    named = {key: form[key] for key in _FORMAT_KEYS if form.get(key) is not None}
    return {"response_format": {"type": kind, "json_schema": named}}


def _included(include: Any) -> list[str]:
    if not isinstance(include, list | None):
        raise bad("include", "must be a list")
    for at, name in enumerate(include or ()):
        if name != LOGPROBS and not (isinstance(name, str) and _NEVER.fullmatch(name)):
            raise bad(f"include[{at}]", f"must be {LOGPROBS} or something else that OpenAI's API lists")
    return include or []
