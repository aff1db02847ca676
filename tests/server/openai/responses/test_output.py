"""Items that come into being."""

from __future__ import annotations

from server.openai.responses.output import FunctionCall, Message, Reasoning


def test_a_message_is_told_part_by_part() -> None:
    item = Message("7", 2)
    told = [*item.opened(), *item.said("Te", []), *item.added("a"), *item.closed("completed")]
    assert [name for name, _ in told] == [
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
    ]
    assert told[0][1]["item"] == {"id": "msg_7_2", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    assert told[-1][1]["item"] == item.shown()
    assert item.shown()["content"] == [{"type": "output_text", "text": "Tea", "annotations": [], "logprobs": []}]
    assert told[4][1] == {"item_id": "msg_7_2", "output_index": 2, "content_index": 0, "text": "Tea", "logprobs": []}


def test_reasoning_is_shown_as_it_is_and_has_no_summary() -> None:
    item = Reasoning("7", 0)
    assert next(item.added("Hm"))[0] == "reasoning_text.delta"
    assert (item.shown()["summary"], item.shown()["content"]) == ([], [{"type": "reasoning_text", "text": "Hm"}])


def test_a_call_has_no_parts_and_gets_a_name_where_the_engine_gives_none() -> None:
    item = FunctionCall("7", 1, None, "f")
    told = [*item.opened(), *item.added("{}"), *item.closed("incomplete")]
    assert [name for name, _ in told] == [
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
    ]
    assert told[2][1] == {"item_id": "fc_7_1", "output_index": 1, "arguments": "{}", "name": "f"}
    assert item.shown() == {
        "id": "fc_7_1",
        "type": "function_call",
        "call_id": "call_7_1",
        "name": "f",
        "arguments": "{}",
        "status": "incomplete",
    }
    assert FunctionCall("7", 1, "mine", "f").shown()["call_id"] == "mine"
