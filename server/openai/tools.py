"""Tools as the engine gets them, and what it is told about a call that a client demands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

Enforces = Callable[[Mapping[str, Any]], bool]
"""Returns whether a grammar can enforce a JSON schema."""

NO_PARAMETERS: Final[Mapping[str, Any]] = {"type": "object", "properties": {}}
"""The schema of a function without parameters, as OpenAI's API defines it."""

# With one of these a schema says itself what it describes.
_SAID: Final = frozenset({"type", "properties", "$ref", "anyOf", "oneOf", "allOf", "enum", "const", "not", "if"})


def passed_tools(tools: Sequence[Mapping[str, Any]], choice: Any, enforces: Enforces) -> list[dict[str, Any]]:
    """Return the tools for the engine, with `strict` where the client demands a call.

    Where `choice` demands a call, vLLM 0.32 constrains its arguments by the schema only if the tool has `strict: true`. Otherwise
    any JSON is an argument, also a number, while the API promises an object. So a tool that may have to be called gets `strict`,
    unless no grammar can enforce its schema.

    Args:
        tools: The tools, as the dialect of chat completions has accepted them.
        choice: The request's `tool_choice`.
        enforces: Returns whether a grammar can enforce a schema.
    """
    return [_strict(tool, enforces) if _demanded(tool, choice) else dict(tool) for tool in tools]


def _demanded(tool: Mapping[str, Any], choice: Any) -> bool:
    if isinstance(choice, Mapping):
        named = choice.get("function")
        return isinstance(named, Mapping) and named.get("name") == tool["function"]["name"]
    return bool(choice == "required")


def _strict(tool: Mapping[str, Any], enforces: Enforces) -> dict[str, Any]:
    function = tool["function"]
    parameters = function.get("parameters")
    if not isinstance(parameters, Mapping | None) or function.get("strict") is True:
        return dict(tool)
    schema = dict(parameters or NO_PARAMETERS)
    if _SAID.isdisjoint(schema):
        schema["type"] = "object"
    return {**tool, "function": {**function, "parameters": schema, "strict": True}} if enforces(schema) else dict(tool)
