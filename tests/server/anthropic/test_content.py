"""The messages of a request become messages of a chat, or are refused with the exact place."""

from __future__ import annotations

from typing import Any

import pytest

from server.anthropic.content import conversation
from server.errors import BadRequest

HI = {"role": "user", "content": "Hi"}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "river_of", "input": {"country": "Norway"}, "caller": {"type": "direct"}}


@pytest.mark.parametrize(
    ("system", "content"),
    [
        ("Be brief.", "Be brief."),
        ([{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}], "Be brief."),
        ([{"type": "text", "text": "Be"}, {"type": "text", "text": "brief."}], [("text", "Be"), ("text", "brief.")]),
    ],
)
def test_system_is_the_first_message(system: Any, content: Any) -> None:
    first, second = conversation(system, [HI])
    parts = first["content"]
    assert first["role"] == "system"
    assert (parts if isinstance(parts, str) else [(part["type"], part["text"]) for part in parts]) == content
    assert second == HI


@pytest.mark.parametrize("system", ["", [], None, [{"type": "text", "text": ""}]])
def test_a_system_text_that_says_nothing_is_no_message(system: Any) -> None:
    assert conversation(system, [HI]) == [HI]


def test_tool_calls_and_their_results_become_messages_in_their_order() -> None:
    messages = [
        HI,
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "A river.", "signature": "x"},
                {"type": "redacted_thinking", "data": "x"},
                {"type": "text", "text": "I look it up.", "citations": None},
                CALL,
                {**CALL, "id": "toolu_2"},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "Glomma", "is_error": False},
                {"type": "tool_result", "tool_use_id": "toolu_2", "content": [{"type": "text", "text": "Glomma"}]},
                {"type": "text", "text": "And"},
                {"type": "text", "text": "now?"},
            ],
        },
    ]
    assert conversation(None, messages) == [
        HI,
        {
            "role": "assistant",
            "content": "I look it up.",
            "reasoning": "A river.",
            "tool_calls": [
                {"id": name, "type": "function", "function": {"name": "river_of", "arguments": '{"country": "Norway"}'}}
                for name in ("toolu_1", "toolu_2")
            ],
        },
        {"role": "tool", "tool_call_id": "toolu_1", "content": "Glomma"},
        {"role": "tool", "tool_call_id": "toolu_2", "content": "Glomma"},
        {"role": "user", "content": [{"type": "text", "text": "And"}, {"type": "text", "text": "now?"}]},
    ]


def test_a_tool_result_without_content_is_empty_and_one_between_texts_stays_there() -> None:
    content = [{"type": "text", "text": "So:"}, {"type": "tool_result", "tool_use_id": "t"}, {"type": "text", "text": "And?"}]
    assert [(m["role"], m["content"]) for m in conversation(None, [{"role": "user", "content": content}])] == [
        ("user", "So:"),
        ("tool", ""),
        ("user", "And?"),
    ]


def said(*blocks: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(blocks)}]}


def answered(*blocks: Any) -> dict[str, Any]:
    return {"messages": [HI, {"role": "assistant", "content": list(blocks)}, HI]}


def result(content: Any) -> dict[str, Any]:
    return said({"type": "tool_result", "tool_use_id": "t", "content": content})


IMAGE = {"type": "image", "source": {"type": "url", "url": "x"}}
DOCUMENT = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"messages": None}, "messages", "invalid_value"),
    ({"messages": []}, "messages", "invalid_value"),
    ({"messages": ["x"]}, "messages[0]", "invalid_value"),
    ({"messages": [HI, {"role": "tool", "content": "x"}]}, "messages[1].role", "invalid_value"),
    ({"messages": [{"role": "user"}]}, "messages[0].content", "invalid_value"),
    (said("x"), "messages[0].content[0]", "invalid_value"),
    (said({"text": "x"}), "messages[0].content[0].type", "invalid_value"),
    (said({"type": "text"}), "messages[0].content[0].text", "invalid_value"),
    (said({"type": "text", "text": "x"}, IMAGE), "messages[0].content[1]", "guard_conflict"),
    (said(DOCUMENT), "messages[0].content[0]", "guard_conflict"),
    (said(CALL), "messages[0].content[0]", "guard_conflict"),
    (said({"type": "tool_result", "content": "x"}), "messages[0].content[0].tool_use_id", "invalid_value"),
    (result([{"type": "text", "text": "x"}, IMAGE]), "messages[0].content[0].content[1]", "guard_conflict"),
    (result([DOCUMENT]), "messages[0].content[0].content[0]", "guard_conflict"),
    (result(7), "messages[0].content[0].content", "invalid_value"),
    (answered({"type": "server_tool_use", "id": "s", "name": "web_search"}), "messages[1].content[0]", "guard_conflict"),
    (answered({**CALL, "input": "x"}), "messages[1].content[0].input", "invalid_value"),
    (answered({**CALL, "id": None}), "messages[1].content[0].id", "invalid_value"),
    ({"system": [IMAGE]}, "system[0]", "guard_conflict"),
    ({"system": 5}, "system", "invalid_value"),
]


@pytest.mark.parametrize(("fields", "param", "code"), WRONG, ids=[param for _, param, _ in WRONG])
def test_what_is_malformed_or_no_text_is_refused_with_its_place(fields: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(BadRequest) as caught:
        conversation(fields.get("system"), fields.get("messages", [HI]))
    assert (caught.value.param, caught.value.code) == (param, code)
