"""A request for a message becomes a request for a chat completion, or is refused with the exact place."""

from __future__ import annotations

import contextlib
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from server.anthropic.dialect import COUNT_TOKENS, MESSAGES
from server.anthropic.fields import ACCEPTED
from server.errors import BadRequest

HI = {"role": "user", "content": "Hi"}
TOOL = {"name": "river_of", "description": "The longest river.", "input_schema": {"properties": {"country": {"type": "string"}}}}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "river_of", "input": {"country": "Norway"}, "caller": {"type": "direct"}}


def given(**fields: Any) -> dict[str, Any]:
    return MESSAGES.given({"model": "fake", "max_tokens": 9, "messages": [HI], **fields})


def test_sampling_and_limits_have_the_names_of_a_chat() -> None:
    body = given(temperature=0.5, top_p=0.9, top_k=5, stop_sequences=["\n\nHuman:"], stream=False)
    assert body == {
        "model": "fake",
        "max_tokens": 9,
        "messages": [HI],
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 5,
        "stop": ["\n\nHuman:"],
        "stream": False,
    }


def test_tools_are_functions_and_say_nothing_but_what_a_function_has() -> None:
    tool = {**TOOL, "type": "custom", "cache_control": {"type": "ephemeral"}, "input_examples": [{}], "strict": True}
    assert given(tools=[tool])["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "river_of",
                "description": "The longest river.",
                "parameters": {"type": "object", "properties": {"country": {"type": "string"}}},
                "strict": True,
            },
        }
    ]


@pytest.mark.parametrize(
    ("choice", "fields"),
    [
        ({"type": "auto"}, {"tool_choice": "auto"}),
        ({"type": "any", "disable_parallel_tool_use": True}, {"tool_choice": "required", "parallel_tool_calls": False}),
        ({"type": "any", "disable_parallel_tool_use": False}, {"tool_choice": "required"}),
        ({"type": "tool", "name": "river_of"}, {"tool_choice": {"type": "function", "function": {"name": "river_of"}}}),
        ({"type": "none"}, {"tool_choice": "none"}),
    ],
)
def test_tool_choice(choice: dict[str, Any], fields: dict[str, Any]) -> None:
    body = given(tools=[TOOL], tool_choice=choice)
    assert {name: body[name] for name in ("tool_choice", "parallel_tool_calls") if name in body} == fields


def test_without_tools_there_is_none_to_choose() -> None:
    assert "tool_choice" not in given(tools=[], tool_choice={"type": "auto"})


def test_an_output_format_is_a_response_format() -> None:
    form = {"type": "json_schema", "schema": {"type": "object"}}
    for fields in ({"output_config": {"format": form, "effort": "low"}}, {"output_format": form}):
        assert given(**fields)["response_format"] == {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True},
        }
    for nothing in ({}, {"effort": "high"}, {"format": None}):
        assert "response_format" not in given(output_config=nothing)


@pytest.mark.parametrize("content", ["The river is", [{"type": "text", "text": "The river is"}]])
def test_a_last_message_of_the_model_s_is_continued(content: Any) -> None:
    body = given(messages=[HI, {"role": "assistant", "content": content}])
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)
    assert MESSAGES.continued(body) == ["The river is"]


@pytest.mark.parametrize("content", ["", " ", [], [{"type": "text", "text": ""}], [{"type": "thinking", "thinking": "Hm."}]])
def test_a_last_message_of_the_model_s_that_says_nothing_is_left_out(content: Any) -> None:
    body = given(messages=[HI, {"role": "assistant", "content": content}])
    assert body["messages"] == [HI]
    assert "continue_final_message" not in body


@pytest.mark.parametrize(("kind", "thinks"), [("enabled", True), ("adaptive", True), ("disabled", False)])
def test_thinking_is_a_switch_of_the_template(kind: str, thinks: bool) -> None:
    body = given(thinking={"type": kind, "budget_tokens": 1024})
    assert body["chat_template_kwargs"] == {"enable_thinking": thinks, "thinking": thinks}


def test_hints_and_bookkeeping_are_dropped() -> None:
    hints = {
        "metadata": {"user_id": "u"},
        "service_tier": "auto",
        "cache_control": {"type": "ephemeral"},
        "betas": ["x"],
        "inference_geo": "us",
        "speed": "fast",
        "context_management": {"edits": []},
        "mcp_servers": [],
        "container": None,
        "unheard_of": None,
    }
    assert given(**hints) == given()


def test_a_stream_counts_tokens_from_its_first_chunk() -> None:
    assert given(stream=True)["stream_options"] == {"include_usage": True, "continuous_usage_stats": True}


def test_to_count_tokens_needs_no_limit_for_an_answer() -> None:
    assert COUNT_TOKENS.given({"model": "fake", "messages": [HI]}) == {"model": "fake", "messages": [HI]}


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"max_tokens": None}, "max_tokens", "invalid_value"),
    ({"max_tokens": 0}, "max_tokens", "invalid_value"),
    ({"max_tokens": True}, "max_tokens", "invalid_value"),
    ({"stream": "true"}, "stream", "invalid_value"),
    ({"temperature": "hot"}, "temperature", "invalid_value"),
    ({"stop_sequences": "x"}, "stop_sequences", "invalid_value"),
    ({"messages": [{"role": "assistant", "content": ""}]}, "messages", "invalid_value"),
    ({"messages": [HI, {"role": "assistant", "content": [CALL]}]}, "messages[1]", "invalid_value"),
    ({"tools": {}}, "tools", "invalid_value"),
    ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0].type", "unsupported_parameter"),
    ({"tools": [TOOL, {"type": "bash_20250124", "name": "bash"}]}, "tools[1].type", "unsupported_parameter"),
    ({"tools": [{"name": "x"}]}, "tools[0].input_schema", "invalid_value"),
    ({"tools": [{"input_schema": {}}]}, "tools[0].name", "invalid_value"),
    ({"tools": [{**TOOL, "strict": "yes"}]}, "tools[0].strict", "invalid_value"),
    ({"tool_choice": "any"}, "tool_choice", "invalid_value"),
    ({"tool_choice": {"type": "any"}}, "tool_choice", "invalid_value"),
    ({"tool_choice": {"type": "must"}, "tools": [TOOL]}, "tool_choice.type", "invalid_value"),
    ({"tool_choice": {"type": "tool", "name": "x"}, "tools": [TOOL]}, "tool_choice.name", "invalid_value"),
    (
        {"tool_choice": {"type": "auto", "disable_parallel_tool_use": 1}, "tools": [TOOL]},
        "tool_choice.disable_parallel_tool_use",
        "invalid_value",
    ),
    ({"output_config": {"format": {"type": "text"}}}, "output_config.format.type", "invalid_value"),
    ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema", "invalid_value"),
    ({"output_format": {"type": "json_schema"}}, "output_format.schema", "invalid_value"),
    ({"thinking": {"type": "loud"}}, "thinking.type", "invalid_value"),
    ({"thinking": True}, "thinking", "invalid_value"),
    ({"container": "c"}, "container", "unsupported_parameter"),
    ({"mcp_servers": [{"url": "x"}]}, "mcp_servers", "unsupported_parameter"),
    ({"logit_bias": {"1": 1}}, "logit_bias", "unsupported_parameter"),
    ({"vllm_xargs": {"guard": []}}, "vllm_xargs", "unsupported_parameter"),
    ({"kv_transfer_params": {"prompt_token_ids": [1]}}, "kv_transfer_params", "unsupported_parameter"),
]


@pytest.mark.parametrize(("fields", "param", "code"), WRONG, ids=[param for _, param, _ in WRONG])
def test_what_cannot_be_translated_is_refused_with_its_place(fields: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(BadRequest) as caught:
        given(**fields)
    assert (caught.value.param, caught.value.code) == (param, code)


def test_unknown_fields_are_dropped_where_the_operator_says_so() -> None:
    sent = {"model": "fake", "max_tokens": 9, "messages": [HI], "vllm_xargs": {"guard": []}, "unheard_of": 1}
    assert MESSAGES.given(sent, drop_unknown=True) == given()


WORDS = ("type", "text", "content", "role", "user", "assistant", "system", "tool_use", "tool_result", "thinking", "input", "name")
WORDS += ("id", "tool_use_id", "input_schema", "json_schema", "format", "schema", "any", "tool", "custom", "enabled")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.slow
@hypothesis.given(st.dictionaries(st.sampled_from(sorted(ACCEPTED)), VALUES, max_size=4), st.lists(VALUES, max_size=3))
def test_whatever_is_sent_is_read_as_a_chat_or_refused(fields: dict[str, Any], messages: list[Any]) -> None:
    sent = {"max_tokens": 9, "messages": [HI, *messages], **fields}
    with contextlib.suppress(BadRequest):
        body = MESSAGES.given(sent)
        MESSAGES.check(body)
        assert MESSAGES.texts(body, None)  # type: ignore[arg-type]
