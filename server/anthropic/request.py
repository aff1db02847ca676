"""A request for a message as a request for a chat completion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from server.anthropic.content import Message, conversation
from server.errors import BadRequest
from server.openai.fields import UNSUPPORTED
from server.openai.texts import bad, objects, string

_SAME: Final = ("model", "max_tokens", "temperature", "top_p", "top_k", "stream")
_CHOICES: Final[Mapping[str, str]] = {"auto": "auto", "any": "required", "none": "none"}
_THINKS: Final[Mapping[str, bool]] = {"enabled": True, "adaptive": True, "disabled": False}
# Templates call the switch by either name; one that knows neither ignores both.
_SWITCHES: Final = ("enable_thinking", "thinking")

PLACES: Final[Mapping[str, str]] = {"stop": "stop_sequences", "response_format": "output_config.format"}
"""The fields of a chat request that have another name in a request for a message."""


def translated(body: Mapping[str, Any], *, counts: bool = False) -> dict[str, Any]:
    """Return the request for a chat completion that a request for a message means.

    Args:
        body: The fields with a value, as `server.anthropic.fields` allows them.
        counts: Whether the request only counts tokens, so that it needs no limit for an answer.

    Raises:
        BadRequest: A field is missing or malformed, or asks for what the server does not have. `param` names the place.
    """
    if "max_tokens" not in body and not counts:
        raise BadRequest(
            "`max_tokens` is missing: say how many tokens the answer may have.", param="max_tokens", code="invalid_value"
        )
    messages = conversation(body.get("system"), body.get("messages"))
    chat: dict[str, Any] = {name: body[name] for name in _SAME if name in body}
    chat |= _prefilled(messages, f"messages[{len(body['messages']) - 1}]")
    if body.get("stop_sequences"):
        chat["stop"] = body["stop_sequences"]
    if tools := [_tool(tool, f"tools[{i}]") for i, tool in enumerate(objects(body.get("tools"), "tools"))]:
        chat["tools"] = tools
    if "tool_choice" in body:
        chat |= _choice(body["tool_choice"], tools)
    if (form := _format(body)) is not None:
        chat["response_format"] = form
    if "thinking" in body:
        kind = body["thinking"].get("type")
        if not isinstance(kind, str) or kind not in _THINKS:
            raise bad("thinking.type", "must be enabled, adaptive or disabled")
        chat["chat_template_kwargs"] = dict.fromkeys(_SWITCHES, _THINKS[kind])
    if body.get("stream"):
        # The first event of a stream tells the length of the prompt.
        chat["stream_options"] = {"include_usage": True, "continuous_usage_stats": True}
    return chat


def _prefilled(messages: list[Message], where: str) -> dict[str, Any]:
    """Return the fields for the messages of a chat. A last message of the model's is the beginning of its answer.

    One without a text begins nothing: it is left out.
    """
    last = messages[-1]
    if last["role"] != "assistant":
        return {"messages": messages}
    if "tool_calls" in last:
        raise BadRequest(
            f"{where}: the last message has tool calls: send their results after it, in blocks of the type tool_result.",
            param=where,
            code="invalid_value",
        )
    said = last["content"]
    if not (said if isinstance(said, str) else "".join(part["text"] for part in said)).strip():
        if len(messages) == 1:
            raise bad("messages", "must have a message that the model answers")
        return {"messages": messages[:-1]}
    return {"messages": messages, "continue_final_message": True, "add_generation_prompt": False}


def _tool(tool: Mapping[str, Any], here: str) -> dict[str, Any]:
    if tool.get("type") not in (None, "custom"):
        raise BadRequest(
            f"{here}.type: the server has no tools of its own: define tools with an input_schema, and run them yourself.",
            param=f"{here}.type",
            code=UNSUPPORTED,
        )
    schema = tool.get("input_schema")
    if not isinstance(schema, dict):
        raise bad(f"{here}.input_schema", "must be an object")
    function: dict[str, Any] = {"name": string(tool.get("name"), f"{here}.name")}
    if tool.get("description") is not None:
        function["description"] = string(tool["description"], f"{here}.description")
    function["parameters"] = schema if "type" in schema else {"type": "object", **schema}
    if tool.get("strict") is not None:
        if not isinstance(tool["strict"], bool):
            raise bad(f"{here}.strict", "must be true or false")
        function["strict"] = tool["strict"]
    return {"type": "function", "function": function}


def _choice(choice: Mapping[str, Any], tools: list[dict[str, Any]]) -> dict[str, Any]:
    kind = choice.get("type")
    fields: dict[str, Any] = {}
    if kind == "tool":
        name = string(choice.get("name"), "tool_choice.name")
        if name not in [tool["function"]["name"] for tool in tools]:
            raise bad("tool_choice.name", "must be the name of one of the tools")
        fields["tool_choice"] = {"type": "function", "function": {"name": name}}
    elif isinstance(kind, str) and kind in _CHOICES:
        if kind == "any" and not tools:
            raise bad("tool_choice", "asks for a call of a tool, and there are no tools")
        fields["tool_choice"] = _CHOICES[kind]
    else:
        raise bad("tool_choice.type", "must be auto, any, tool or none")
    single = choice.get("disable_parallel_tool_use")
    if not isinstance(single, bool | None):
        raise bad("tool_choice.disable_parallel_tool_use", "must be true or false")
    if single:
        fields["parallel_tool_calls"] = False
    return fields


def _format(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the form that the answer must have, None if it may have any. `output_format` is an older name of the field."""
    config = body.get("output_config", {})
    where, form = (
        ("output_config.format", config["format"]) if config.get("format") else ("output_format", body.get("output_format"))
    )
    if form is None:
        return None
    if not isinstance(form, dict) or form.get("type") != "json_schema":
        raise bad(f"{where}.type", "must be json_schema")
    if not isinstance(form.get("schema"), dict):
        raise bad(f"{where}.schema", "must be an object")
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": form["schema"], "strict": True}}
