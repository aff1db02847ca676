"""Chat completions as responses: whole, and as the events of a stream."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from server.answers.chunk import Chunk
from server.openai.responses.answer import Answer
from tests.server.openai.responses.chats import FORM, NAMED, Delta, events, streamed, whole

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
TEXTS = st.text(max_size=6)
DELTAS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["content", "reasoning"]), TEXTS),
        st.tuples(st.sampled_from(["call 0", "call 1"]), st.tuples(st.none(), TEXTS)),
        st.tuples(st.sampled_from(["call 0", "call 1"]), st.tuples(st.just("f"), st.just(""))),
    ),
    max_size=12,
)
# The event that adds to an item of each type, and the field of the last event about its text.
ADDS = {"message": "output_text", "reasoning": "reasoning_text", "function_call": "function_call_arguments"}


def text_of(item: dict[str, Any]) -> str:
    return item["arguments"] if item["type"] == "function_call" else item["content"][0]["text"]


@given(DELTAS, st.sampled_from(["stop", "length", "tool_calls", "content_filter", None]), st.booleans())
def test_a_stream_opens_and_closes_each_item_and_its_deltas_make_up_the_response(
    deltas: list[Delta], finish: str | None, fails: bool
) -> None:
    chunks = streamed(deltas, finish)
    if fails:
        chunks[-2:] = [Chunk.of({"error": {"message": "broke", "code": None}}, FORM)]
    found = events(chunks)
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    assert [event["type"] for event in found[:2]] == ["response.created", "response.in_progress"]
    ends = {
        "stop": "completed",
        "tool_calls": "completed",
        "length": "incomplete",
        "content_filter": "incomplete",
        None: "failed",
    }
    assert found[-1]["type"] == f"response.{'failed' if fails else ends[finish]}"
    opened: dict[int, dict[str, Any]] = {}
    said: dict[int, str] = {}
    done: dict[int, dict[str, Any]] = {}
    for event in found[2:-1]:
        EVENT.validate_python(event)
        at = event["output_index"]
        name = event["type"].removeprefix("response.")
        if name == "output_item.added":
            assert at == len(opened)
            opened[at], said[at] = event["item"], ""
            continue
        assert at in opened
        assert at not in done
        if name == "output_item.done":
            done[at] = event["item"]
        else:
            assert event["item_id"] == opened[at]["id"]
        if name.endswith(".delta"):
            assert name == f"{ADDS[opened[at]['type']]}.delta"
            said[at] += event["delta"]
        if name in ("output_text.done", "reasoning_text.done"):
            assert event["text"] == said[at]
    assert opened.keys() == done.keys()
    response = found[-1]["response"]
    assert response["output"] == [done[at] for at in sorted(done)]
    assert {at: text_of(item) for at, item in done.items()} == said
    for kind, field in (("content", "message"), ("reasoning", "reasoning")):
        own = "".join(said[at] for at, item in done.items() if item["type"] == field)
        assert own == "".join(text for name, text in deltas if name == kind)
    Response.model_validate(response)
    assert response["status"] == found[-1]["type"].removeprefix("response.")


@given(TEXTS, TEXTS, st.lists(TEXTS, max_size=3))
def test_a_whole_answer_is_what_its_stream_comes_to(thought: str, said: str, arguments: list[str]) -> None:
    calls = [{"id": f"call_{at}", "function": {"name": "f", "arguments": text}} for at, text in enumerate(arguments)]
    deltas: list[Delta] = [("reasoning", thought), ("content", said)]
    deltas += [(f"call {at}", ("f", text)) for at, text in enumerate(arguments)]
    answer = Answer({})
    assert [*answer.take(whole(reasoning=thought, content=said, tool_calls=calls)), *answer.end()]
    streamed_ = events(streamed(deltas))[-1]["response"]
    assert {**answer.response, "completed_at": 0} == {**streamed_, "completed_at": 0}


@pytest.mark.parametrize(
    ("finish", "status", "reason"),
    [
        ("stop", "completed", None),
        ("tool_calls", "completed", None),
        ("length", "incomplete", "max_output_tokens"),
        ("content_filter", "incomplete", "content_filter"),
    ],
)
def test_how_it_ends(finish: str, status: str, reason: str | None) -> None:
    response = events([whole(finish, content="Tea.")])[-1]["response"]
    assert (response["status"], response["incomplete_details"]) == (status, {"reason": reason} if reason else None)
    assert response["output"][0]["status"] == status
    assert response["usage"]["input_tokens"] == 3


def test_only_the_item_that_was_being_said_is_incomplete() -> None:
    deltas: list[Delta] = [("content", "Hm"), ("call 0", ("f", "{}")), ("call 1", ("g", '{"a'))]
    output = events(streamed(deltas, "length"))[-1]["response"]["output"]
    assert [item["status"] for item in output] == ["completed", "completed", "incomplete"]


def test_an_answer_that_says_nothing_is_an_empty_message() -> None:
    (item,) = events([whole(content="")])[-1]["response"]["output"]
    assert (item["type"], item["content"][0]["text"]) == ("message", "")


def test_log_probabilities_are_in_the_events_and_in_the_message() -> None:
    scores = [{"token": "Tea", "logprob": -0.5, "bytes": [84], "top_logprobs": []}]
    choice = {"index": 0, "delta": {"content": "Tea"}, "logprobs": {"content": scores}}
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    found = events([Chunk.of({**NAMED, "choices": [each]}, FORM) for each in (choice, end)])
    assert [event["logprobs"] for event in found if "output_text" in event["type"]] == [scores, scores]
    assert found[-1]["response"]["output"][0]["content"][0]["logprobs"] == scores


def test_the_response_repeats_the_request_and_says_that_nothing_is_stored() -> None:
    text = {"format": {"type": "json_object"}, "verbosity": "low"}
    sent = {"instructions": "Be brief.", "metadata": {"run": "7"}, "text": text, "store": True, "temperature": 0.5, "user": None}
    response = events([whole(content="Tea.")], sent)[-1]["response"]
    assert {name: response[name] for name in ("instructions", "metadata", "text", "temperature")} == {
        name: sent[name] for name in ("instructions", "metadata", "text", "temperature")
    }
    assert (response["store"], response["truncation"], response["user"]) == (False, "disabled", None)


@pytest.mark.parametrize(("code", "shown"), [("engine_failure", "server_error"), ("rate_limit_exceeded", "rate_limit_exceeded")])
def test_a_failure_has_one_of_openai_s_codes_and_is_told_once(code: str, shown: str) -> None:
    answer = Answer({"model": "fake"})
    found = list(answer.fail({"message": "It broke.", "code": code}))
    assert found[-1]["response"]["error"] == {"code": shown, "message": "It broke."}
    assert found[-1]["response"]["model"] == "fake"
    assert [*answer.fail({"message": "again"}), *answer.end()] == []
