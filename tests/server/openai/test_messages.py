"""What of a message goes on to the engine."""

from __future__ import annotations

from typing import Any

import pytest

from server.openai.chat import CHAT, texts_of_chat
from server.openai.messages import passed_messages

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}

MESSAGES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "api-02 keys that clients add",
        {"role": "user", "content": "Hi", "id": 20713, "opts": {"visible": True, "tag": "x"}},
        {"role": "user", "content": "Hi"},
    ),
    (
        "api-02 keys of a part",
        {"role": "system", "content": ["A", {"type": "text", "text": "B", "cache_control": {"type": "ephemeral"}}]},
        {"role": "system", "content": ["A", {"type": "text", "text": "B"}]},
    ),
    (
        "api-04 an answer with a tool call",
        {
            "role": "assistant",
            "content": None,
            "refusal": None,
            "audio": None,
            "annotations": [],
            "function_call": None,
            "tool_calls": [{**CALL, "index": 0, "function": {**CALL["function"], "parsed_arguments": None}}],  # type: ignore[dict-item]
        },
        {"role": "assistant", "tool_calls": [CALL]},
    ),
    ("api-04 an answer that says nothing", {"role": "assistant", "content": ""}, {"role": "assistant", "content": ""}),
    (
        "api-04 an answer without calls",
        {"role": "assistant", "content": "Glomma.", "tool_calls": []},
        {"role": "assistant", "content": "Glomma."},
    ),
    (
        "api-04 a result in parts",
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "Glomma"}]},
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "Glomma"}]},
    ),
    ("a name", {"role": "user", "content": "Hi", "name": "Ada"}, {"role": "user", "content": "Hi", "name": "Ada"}),
    (
        "reasoning",
        {"role": "assistant", "content": "a", "reasoning": "b", "reasoning_content": "b"},
        {"role": "assistant", "content": "a", "reasoning": "b", "reasoning_content": "b"},
    ),
]


@pytest.mark.parametrize(("before", "after"), [case[1:] for case in MESSAGES], ids=[case[0] for case in MESSAGES])
def test_what_the_api_defines_goes_on(before: dict[str, Any], after: dict[str, Any]) -> None:
    CHAT.check({"messages": [before]})
    assert texts_of_chat({"messages": [before]})
    assert passed_messages([before], developer=True) == [after]


@pytest.mark.parametrize(("known", "role"), [(True, "developer"), (False, "system")])
def test_api_03_a_developer_is_the_system_where_the_template_does_not_know_it(known: bool, role: str) -> None:
    message = {"role": "developer", "content": "Be brief."}
    assert passed_messages([message], developer=known) == [{"role": role, "content": "Be brief."}]
    assert passed_messages([{"role": "banana", "content": "x"}], developer=known) == [{"role": "banana", "content": "x"}]


def test_a_developer_with_tools_stays_one() -> None:
    message = {"role": "developer", "content": "Be brief.", "tools": [{"function": {"name": "f"}}]}
    assert passed_messages([message], developer=False) == [message]
