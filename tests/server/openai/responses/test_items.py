"""Items of a conversation as messages."""

from __future__ import annotations

from typing import Any

import pytest

from server.errors import BadRequest
from server.openai.responses.items import places, turns

CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}", "status": "completed"}
SAID = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
PART = {"type": "output_text", "text": "Hm.", "annotations": [], "logprobs": []}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": None}


def messages(items: Any, instructions: str | None = None) -> list[dict[str, Any]]:
    return [turn.message for turn in turns(instructions, items)]


def test_a_text_is_said_by_the_user_after_the_instructions() -> None:
    assert messages("Hi", "Be brief.") == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    assert places(turns("Be brief.", "Hi")) == ["instructions", "input"]


def test_messages_have_texts_or_parts_and_the_keys_of_clients_are_left_out() -> None:
    items = [
        {"role": "developer", "content": "Short."},
        {"type": "message", "role": "user", "id": "m", "content": [{"type": "input_text", "text": "a", "cache_control": {}}]},
        {"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "user", "content": []},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
    ]
    assert messages(items) == [
        {"role": "developer", "content": "Short."},
        {"role": "user", "content": "a"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "user", "content": ""},
        {"role": "assistant", "content": "No."},
    ]


def test_what_the_model_thought_said_and_called_in_one_turn_is_one_message() -> None:
    items = [
        {"role": "user", "content": "Hi"},
        {**THOUGHT, "content": [{"type": "reasoning_text", "text": "Think."}]},
        {**SAID, "content": [PART]},
        CALL,
        {**CALL, "call_id": "c2"},
        {"type": "function_call_output", "call_id": "c1", "output": "1"},
        {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "2"}]},
        {**SAID, "content": [PART]},
        {**SAID, "content": [PART]},
    ]
    calls = [{"id": each, "type": "function", "function": {"name": "f", "arguments": "{}"}} for each in ("c1", "c2")]
    assert messages(items) == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "reasoning": "Think.", "content": "Hm.", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
        {"role": "tool", "tool_call_id": "c2", "content": "2"},
        {"role": "assistant", "content": "Hm."},
        {"role": "assistant", "content": "Hm."},
    ]
    assert places(turns(None, items)) == ["input[0]", "input[1]", "input[5]", "input[6]", "input[7]", "input[8]"]


def test_speech_or_thought_after_a_call_begins_another_turn() -> None:
    roles = [sorted(message) for message in messages([CALL, {**SAID, "content": [PART]}, THOUGHT, THOUGHT])]
    assert roles == [["role", "tool_calls"], ["content", "role"], ["reasoning", "role"]]


def test_a_summary_stands_in_for_thoughts_that_are_not_shown() -> None:
    summary = [{"type": "summary_text", "text": "Short."}]
    (message,) = messages([{**THOUGHT, "summary": summary, "content": None, "encrypted_content": "gAAA"}])
    assert message["reasoning"] == "Short."


@pytest.mark.parametrize(
    ("items", "param"),
    [
        (None, "input"),
        ([], "input"),
        (7, "input"),
        (["Hi"], "input[0]"),
        ([{"role": "tool", "content": "x"}], "input[0].role"),
        ([{"content": "x"}], "input[0].role"),
        ([{"role": "user", "content": 7}], "input[0].content"),
        ([{"role": "user", "content": ["x"]}], "input[0].content[0]"),
        ([{"role": "user", "content": [{"type": "input_text"}]}], "input[0].content[0].text"),
        ([{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}], "input[0].content[0]"),
        ([{"role": "user", "content": [{"type": "input_file", "file_id": "x"}]}], "input[0].content[0]"),
        ([{"role": "user", "content": [{"type": ["input_text"], "text": "x"}]}], "input[0].content[0]"),
        (["x", {"type": "item_reference", "id": "msg_1"}], "input[0]"),
        ([CALL, {"type": "item_reference", "id": "msg_1"}], "input[1]"),
        ([{"type": "web_search_call", "id": "ws_1"}], "input[0].type"),
        ([{**CALL, "arguments": {}}], "input[0].arguments"),
        ([{**CALL, "call_id": None}], "input[0].call_id"),
        ([{"type": "function_call_output", "call_id": "c", "output": {}}], "input[0].output"),
        (
            [{"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image", "image_url": "x"}]}],
            "input[0].output[0]",
        ),
        ([{**THOUGHT, "summary": "x"}], "input[0].summary"),
    ],
)
def test_what_is_not_text_is_refused_with_its_place(items: Any, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        turns(None, items)
    assert caught.value.param == param
