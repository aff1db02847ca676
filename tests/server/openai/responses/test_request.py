"""Requests for a response as requests for a chat completion, and the places of errors."""

from __future__ import annotations

from typing import Any

import pytest

from server.errors import BadRequest
from server.openai.responses.request import LOGPROBS, blamed, translated

TOOL = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}
SCHEMA = {"type": "object", "properties": {}}


def asked(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in translated({"input": "Hi", **fields}).items() if name != "messages"}


@pytest.mark.parametrize(
    ("fields", "meant"),
    [
        ({"temperature": 0.5, "top_p": 0.9, "seed": 3, "user": "u"}, {"temperature": 0.5, "top_p": 0.9, "seed": 3, "user": "u"}),
        ({"max_output_tokens": 9}, {"max_completion_tokens": 9}),
        ({"reasoning": {"effort": "low", "summary": "auto"}}, {"reasoning_effort": "low"}),
        ({"reasoning": {"effort": None}}, {}),
        ({"stream": True}, {"stream": True, "stream_options": {"include_usage": True}}),
        ({"include": [LOGPROBS], "top_logprobs": 2}, {"logprobs": True, "top_logprobs": 2}),
        ({"include": ["reasoning.encrypted_content"], "top_logprobs": 2}, {}),
        ({"text": {"verbosity": "low"}}, {}),
        ({"text": {"format": {"type": "text"}}}, {}),
        ({"text": {"format": {"type": "json_object"}}}, {"response_format": {"type": "json_object"}}),
        (
            {"text": {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA, "strict": True}}},
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA, "strict": True}}},
        ),
        ({"tool_choice": "auto"}, {}),
        (
            {"tools": [TOOL], "tool_choice": "auto", "parallel_tool_calls": False},
            {
                "tools": [{"type": "function", "function": {key: TOOL[key] for key in TOOL if key != "type"}}],
                "tool_choice": "auto",
                "parallel_tool_calls": False,
            },
        ),
        (
            {"tools": [{"type": "function", "name": "f", "strict": None}], "tool_choice": {"type": "function", "name": "f"}},
            {
                "tools": [{"type": "function", "function": {"name": "f"}}],
                "tool_choice": {"type": "function", "function": {"name": "f"}},
            },
        ),
        (
            {
                "tools": [TOOL, {"type": "function", "name": "g"}],
                "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "g"}]},
            },
            {"tools": [{"type": "function", "function": {"name": "g"}}], "tool_choice": "required"},
        ),
    ],
)
def test_each_field_means_one_of_a_chat_completion(fields: dict[str, Any], meant: dict[str, Any]) -> None:
    assert asked(**fields) == meant


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [TOOL, {"type": "web_search"}]}, "tools[1].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": {}}, "tools"),
        ({"tools": [TOOL], "tool_choice": {"type": "web_search_preview"}}, "tool_choice.type"),
        ({"tools": [TOOL], "tool_choice": {"type": "function"}}, "tool_choice.name"),
        ({"tools": [TOOL], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []}}, "tool_choice.tools"),
        ({"tools": [TOOL], "tool_choice": {"type": "allowed_tools", "mode": "x", "tools": []}}, "tool_choice.mode"),
        ({"tool_choice": "always"}, "tool_choice"),
        ({"text": {"grammar": "x"}}, "text"),
        ({"text": {"format": "json"}}, "text.format"),
        ({"text": {"format": {"type": "yaml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "schema": {}}}}, "text.format.name"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "text.format.schema"),
        ({"include": "x"}, "include"),
        ({"include": [LOGPROBS, "everything"]}, "include[1]"),
        ({"include": [["x"]]}, "include[0]"),
    ],
)
def test_what_means_nothing_here_is_refused_with_its_place(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        asked(**fields)
    assert caught.value.param == param


def test_what_is_unknown_may_be_dropped() -> None:
    body = {"input": "Hi", "tools": [{"type": "web_search"}], "tool_choice": "auto", "text": {"grammar": "x"}}
    assert translated(body, drop_unknown=True) == {"messages": [{"role": "user", "content": "Hi"}]}


SENT = {"instructions": "Be brief.", "input": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]}


@pytest.mark.parametrize(
    ("param", "own"),
    [
        ("messages", "input"),
        ("messages[0].content", "instructions.content"),
        ("messages[2].content", "input[1].content"),
        ("messages[1].tool_calls[0]", "input[0]"),
        ("messages[9]", "input"),
        ("max_completion_tokens", "max_output_tokens"),
        ("max_tokens", "max_output_tokens"),
        ("response_format.json_schema.schema", "text.format.schema"),
        ("response_format", "text.format"),
        ("tools[3].function.parameters", "tools[3].parameters"),
        ("reasoning_effort", "reasoning.effort"),
        ("temperature", "temperature"),
    ],
)
def test_an_error_names_the_place_in_the_client_s_body(param: str, own: str) -> None:
    error = BadRequest(f"`{param}` is wrong.", param=param, code="invalid_value", headers={"x": "y"})
    told = blamed(error, SENT)
    assert (told.param, told.message, told.code, told.status, told.headers) == (
        own,
        f"`{own}` is wrong.",
        "invalid_value",
        400,
        {"x": "y"},
    )


def test_an_error_without_a_place_stays_as_it_is() -> None:
    error = BadRequest("Wrong.")
    assert blamed(error, SENT) is error
