"""Calls that a client demands have arguments that follow their schema."""

from __future__ import annotations

from typing import Any

import pytest

from server.openai.tools import NO_PARAMETERS, passed_tools

SCHEMA = {"type": "object", "properties": {"name": {"enum": ["Ann"]}}, "required": ["name"]}
NAMED = {"type": "function", "function": {"name": "lookup"}}


def tool(name: str = "lookup", **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **more}}


def passed(choice: Any, *tools: dict[str, Any], enforceable: bool = True) -> list[dict[str, Any]]:
    return passed_tools(tools, choice, lambda _: enforceable)


@pytest.mark.parametrize("strict", [{}, {"strict": None}, {"strict": False}, {"strict": True}])
@pytest.mark.parametrize("choice", ["required", NAMED])
def test_clients_5_tool_choice_required_or_named_without_strict(strict: dict[str, Any], choice: Any) -> None:
    asked = tool(parameters=SCHEMA, **strict)
    assert passed(choice, asked) == [tool(parameters=SCHEMA, strict=True)]
    assert asked == tool(parameters=SCHEMA, **strict)


@pytest.mark.parametrize("choice", [None, "auto", "none", "banana", {"type": "function"}, {"function": {"name": "other"}}])
def test_other_tools_stay_as_they_are(choice: Any) -> None:
    assert passed(choice, tool(parameters=SCHEMA)) == [tool(parameters=SCHEMA)]


def test_what_no_grammar_can_enforce_stays_as_it_is() -> None:
    assert passed("required", tool(parameters=SCHEMA), enforceable=False) == [tool(parameters=SCHEMA)]
    assert passed("required", tool(parameters="x")) == [tool(parameters="x")]


@pytest.mark.parametrize(
    ("parameters", "schema"),
    [
        (None, NO_PARAMETERS),
        ({}, NO_PARAMETERS),
        ({"description": "anything"}, {"description": "anything", "type": "object"}),
        ({"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}),
    ],
)
def test_arguments_are_an_object(parameters: Any, schema: Any) -> None:
    assert passed("required", tool(parameters=parameters)) == [tool(parameters=schema, strict=True)]
    assert passed("required", tool()) == [tool(parameters=NO_PARAMETERS, strict=True)]
