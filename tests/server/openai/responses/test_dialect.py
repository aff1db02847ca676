"""The route for responses: what reaches the engine, and what comes back. A test's id names its case."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from classifiers.answering import SAY
from server.answers.events import EventReader
from server.errors import BadRequest, ServerError
from server.http.requestlimits import RequestLimits
from server.openai.responses.dialect import RESPONSES
from tests.server.fakes import DEAD_END, FakeEngine

PATH = "/v1/responses"
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
TOOL = {"type": "function", "name": "river_of", "parameters": {"type": "object", "properties": {}}, "strict": False}


def asked(item: Any = "What is a good cake?", **fields: Any) -> dict[str, Any]:
    return {"model": "fake", "input": item, **fields}


def events_of(response: httpx.Response) -> list[dict[str, Any]]:
    events = EventReader().feed(response.content)
    assert all(event.name == json.loads(event.data)["type"].encode() for event in events)
    return [json.loads(event.data) for event in events]


# What the Codex CLI sends (codex-rs/codex-api/src/common.rs and codex-rs/protocol/src/models.rs, version 0.142): it has no other
# API than this one, always streams, and sends the whole conversation.
CODEX: dict[str, Any] = {
    "model": "fake",
    "instructions": "You are a coding agent running in the Codex CLI.",
    "input": [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "<permissions instructions>"}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "<environment_context>"}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "List the files."}]},
        {"type": "reasoning", "summary": [], "content": None, "encrypted_content": None},
        {"type": "function_call", "name": "shell", "arguments": '{"command":["ls"]}', "call_id": "call_1"},
        {"type": "function_call_output", "call_id": "call_1", "output": "Exit code: 0\nOutput:\na.py\n"},
    ],
    "tools": [
        {
            "type": "function",
            "name": "shell",
            "description": "Runs a shell command and returns its output.",
            "strict": False,
            "parameters": {
                "type": "object",
                "properties": {"command": {"type": "array", "items": {"type": "string"}}},
                "required": ["command"],
                "additionalProperties": False,
            },
        }
    ],
    "tool_choice": "auto",
    "parallel_tool_calls": False,
    "reasoning": {"effort": "medium", "summary": "auto"},
    "store": False,
    "stream": True,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "019a-thread",
    "text": {"verbosity": "low"},
    "client_metadata": {"session_id": "019a-session", "thread_id": "019a-thread"},
}
# Its default: search in an index of OpenAI's.
SEARCH = {"type": "web_search", "external_web_access": False}

ANSWERED: dict[str, dict[str, Any]] = {
    "clients responses.create": asked("Hi"),
    "Codex": CODEX,
    "null everywhere": asked(**{name: None for name in RESPONSES.accepted if name not in ("model", "input")}),
    "nothing stored": asked(previous_response_id=None, conversation=None, background=False, prompt={}, context_management=[]),
    "store": asked(store=True, metadata={"run": "7"}, service_tier="auto", truncation="auto", safety_identifier="u", user="u"),
    "no tools": asked(tools=[], tool_choice="auto", parallel_tool_calls=True, max_tool_calls=3),
    "a tool": asked(tools=[TOOL], tool_choice="auto"),
    "a schema": asked(text={"format": {"type": "json_schema", "name": "x", "schema": {"type": "object"}, "strict": True}}),
    "a wide integer": asked(text={"format": {"type": "json_schema", "name": "x", "schema": {"maximum": 2**64 - 1}}}),
}


@pytest.mark.slow
async def test_each_is_answered_and_its_answer_may_be_sent_back(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    for name, stream in product(ANSWERED, (False, True)):
        body = ANSWERED[name]
        response = await client.post(PATH, json={**body, "stream": stream})
        assert response.status_code == 200, f"{name}: {response.text}"
        if stream:
            events = events_of(response)
            for event in events:
                EVENT.validate_python(event)
            assert [event["sequence_number"] for event in events] == list(range(len(events))), name
            answer = events[-1]["response"]
        else:
            answer = response.json()
            assert response.headers["content-length"] == str(len(response.content))
        Response.model_validate(answer)
        assert (answer["status"], answer["output"][0]["content"][0]["text"]) == ("completed", "cake"), name
        before = body["input"] if isinstance(body["input"], list) else [{"role": "user", "content": body["input"]}]
        again = {**body, "input": [*before, *answer["output"], {"role": "user", "content": "Go on."}]}
        assert (await client.post(PATH, json=again)).status_code == 200, name
        assert {"role": "assistant", "content": "cake"} in engine.bodies[-1]["messages"], name


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "previous_response_id": (asked(previous_response_id="resp_1"), "previous_response_id"),
    "conversation": (asked(conversation={"id": "conv_1"}), "conversation"),
    "background": (asked(background=True), "background"),
    "prompt": (asked(prompt={"id": "pmpt_1"}), "prompt"),
    "built-in tools": (asked(tools=[TOOL, {"type": "web_search"}]), "tools[1].type"),
    "an image": (asked([{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]), "input[0].content[0]"),
    "a file": (asked([{"role": "user", "content": [{"type": "input_file", "file_id": "x"}]}]), "input[0].content[0]"),
    "an unknown field": (asked(max_tokens=5), "max_tokens"),
    "the guard's own": (asked(use_beam_search=True), "use_beam_search"),
    "no input": ({"model": "fake"}, "input"),
    "Codex with web search": ({**CODEX, "tools": [*CODEX["tools"], SEARCH]}, "tools[1].type"),
    "template words": (asked(chat_template_kwargs={"documents": ["x"]}), "chat_template_kwargs"),
    "a late error": (asked([{"role": "user", "content": "x"}, {"role": "user", "content": "x " * 5000}]), "input"),
    "deep arguments": (
        asked([{"type": "function_call", "call_id": "c", "name": "f", "arguments": "[" * 100 + "]" * 100}]),
        "input[0]",
    ),
}


def refusal(body: dict[str, Any]) -> ServerError:
    """The error that a client gets before anything is screened."""
    telling = RESPONSES.telling()
    try:
        chat = RESPONSES.given(body)
        telling.asked(body)
        RESPONSES.read(chat, FakeEngine(), RequestLimits())
    except BadRequest as error:
        return telling.refused(error)
    raise AssertionError("it is not refused")


@pytest.mark.parametrize(("body", "param"), REFUSED.values(), ids=REFUSED.keys())
def test_is_refused_with_the_place(body: dict[str, Any], param: str) -> None:
    error = refusal(body)
    assert (error.status, error.param) == (400, param)
    assert "messages" not in error.message or param == "input"


@pytest.mark.slow
async def test_a_refusal_is_in_the_envelope_and_nothing_reaches_the_engine(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    for body in (asked(previous_response_id="resp_1"), asked(metadata={"n": 2**64}), {"model": "fake", "input": []}):
        response = await client.post(PATH, json=body)
        assert response.json()["error"]["param"] in ("previous_response_id", "metadata.n", "input")
        assert response.status_code == 400
    assert engine.bodies == []


def test_what_is_unknown_is_dropped_where_the_operator_says_so() -> None:
    body = {**CODEX, "tools": [*CODEX["tools"], SEARCH], "unheard_of": 1}
    assert [tool["function"]["name"] for tool in RESPONSES.given(body, drop_unknown=True)["tools"]] == ["shell"]


ABOUT = [
    asked("Who is Hatta?"),
    asked("Hi", instructions="You are Hatta."),
    asked([{"role": "user", "content": [{"type": "input_text", "text": "Hat"}, {"type": "input_text", "text": "ta?"}]}]),
    asked([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hatta"}, {"role": "user", "content": "Who?"}]),
    asked([{"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hatta"}]}, {"role": "user", "content": "Hi"}]),
    asked([{"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"who": "Hat\\u0074a"}'}]),
    asked([{"type": "function_call_output", "call_id": "c", "output": "Hatta"}]),
    asked("Hi", tools=[{**TOOL, "description": "about Hatta"}]),
    asked("Hi", tools=[{**TOOL, "parameters": {"type": "object", "properties": {"who": {"enum": ["Hatta"]}}}}]),
    asked("Hi", text={"format": {"type": "json_schema", "name": "x", "schema": {"const": "Hatta"}}}),
]


@pytest.mark.slow
async def test_any_part_of_the_request_can_be_about_a_target(client: httpx.AsyncClient, engine: FakeEngine, app: FastAPI) -> None:
    gated = app.state.service.running.screener.snapshot.gated["hatter"]
    for body in ABOUT:
        response = await client.post(PATH, json=body)
        assert response.status_code == 200, response.text
        assert gated in engine.bodies[-1]["vllm_xargs"]["guard"], body


@pytest.mark.slow
async def test_a_refusal_is_a_message_that_is_incomplete_by_the_content_filter(
    client: httpx.AsyncClient, engine: FakeEngine
) -> None:
    for stream in (False, True):
        response = await client.post(PATH, json=asked("And the Ugly Duchess?", stream=stream))
        answer = events_of(response)[-1]["response"] if stream else response.json()
        assert engine.bodies[-1]["vllm_xargs"]["guard"] == ["refuse"]
        assert (answer["status"], answer["incomplete_details"]) == ("incomplete", {"reason": "content_filter"})
        assert answer["output"][0]["content"][0]["text"] == SAY


@pytest.mark.slow
async def test_a_client_cannot_choose_its_restrictions(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    assert (await client.post(PATH, json=asked("Hatta?", vllm_xargs={"guard": []}, request_id="x"))).status_code == 200
    assert len(engine.bodies[0]["vllm_xargs"]["guard"]) == 2
    assert engine.bodies[0]["stop_token_ids"] == [DEAD_END]
    assert "request_id" not in engine.bodies[0]


@pytest.mark.slow
async def test_an_error_of_the_engine_is_told_with_the_decision(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    engine.fails_under_a_grammar = 400
    body = asked("Hi", text={"format": {"type": "json_object"}})
    response = await client.post(PATH, json=body)
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error")
    assert response.headers["x-guard-decision-id"].startswith("gd-")
    streamed = events_of(await client.post(PATH, json={**body, "stream": True}))
    assert streamed[-1]["type"] == "response.failed"
    assert streamed[-1]["response"]["error"]["message"] == "Internal server error"
