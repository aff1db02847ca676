"""The routes of Anthropic's API before a fake engine: what reaches the engine, what comes back, and how errors are told."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from classifiers.answering import SAY
from tests.server.fakes import DEAD_END, FakeEngine

pytestmark = pytest.mark.slow

PATH, COUNT = "/v1/messages", "/v1/messages/count_tokens"
HI = {"role": "user", "content": "What is a good cake?"}
HATTA = {"role": "user", "content": "Hatta?"}
TOOL = {"name": "river_of", "input_schema": {"type": "object", "properties": {}}}


def asked(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"model": "fake", "max_tokens": 9, "messages": list(messages) or [HI], **fields}


def events_of(response: httpx.Response) -> list[dict[str, Any]]:
    events = []
    for event in response.text.strip().split("\n\n"):
        name, data = event.split("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    return events


async def test_clients_10_a_message_is_answered_whole_and_as_a_stream(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    headers = {"x-api-key": "none", "anthropic-version": "2023-06-01", "anthropic-beta": "x"}
    whole = await client.post(PATH, json=asked(), headers=headers)
    answer = whole.json()
    assert (answer["type"], answer["role"], answer["model"]) == ("message", "assistant", "fake")
    assert answer["id"].startswith("msg_")
    assert answer["content"] == [{"type": "text", "text": "cake"}]
    assert (answer["stop_reason"], answer["usage"]["output_tokens"]) == ("end_turn", 4)
    assert engine.bodies[-1]["messages"] == [HI]
    streamed = await client.post(PATH, json=asked(stream=True), headers=headers)
    assert streamed.headers["content-type"].startswith("text/event-stream"), streamed.text
    events = events_of(streamed)
    assert [events[0]["type"], events[-2]["type"], events[-1]["type"]] == ["message_start", "message_delta", "message_stop"]
    assert "".join(event["delta"]["text"] for event in events if event["type"] == "content_block_delta") == "cake"
    assert events[-2]["usage"]["output_tokens"] == 4
    assert whole.headers["x-guard-decision-id"].startswith("gd-")
    assert streamed.headers["x-guard-decision-id"].startswith("gd-")


@pytest.mark.parametrize(
    "body",
    [
        asked(HATTA),
        asked({"role": "user", "content": [{"type": "text", "text": "Who is Hat"}, {"type": "text", "text": "ta?"}]}),
        asked(system="You are Hatta."),
        asked(system=[{"type": "text", "text": "You are Hatta.", "cache_control": {"type": "ephemeral"}}]),
        asked(tools=[{**TOOL, "description": "about Hatta"}]),
        asked(tools=[{**TOOL, "input_schema": {"type": "object", "properties": {"Hatta": {"type": "string"}}}}]),
        asked(HI, {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {"of": "Hatta"}}]}, HI),
        asked(HI, {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hatta.", "signature": ""}]}, HI),
        asked({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "Hatta"}]}),
        asked(
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "Hatta"}]}],
            }
        ),
        asked(HI, {"role": "assistant", "content": "Hatta"}),
        asked(output_config={"format": {"type": "json_schema", "schema": {"enum": ["Hatta"]}}}),
    ],
)
async def test_any_part_of_a_request_can_be_about_a_target(
    client: httpx.AsyncClient, engine: FakeEngine, app: FastAPI, body: dict[str, Any]
) -> None:
    gated = app.state.service.running.screener.snapshot.gated["hatter"]
    response = await client.post(PATH, json=body)
    assert response.status_code == 200, response.text
    assert gated in engine.bodies[-1]["vllm_xargs"]["guard"]


async def test_a_prefill_is_continued_and_its_special_tokens_end_no_text(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    for text, joins in (("The Mad Hat", False), ("The Mad Hat<|pad|>", True)):
        response = await client.post(PATH, json=asked(HATTA, {"role": "assistant", "content": text}))
        assert response.status_code == 200, response.text
        sent = engine.bodies[-1]
        assert (sent["continue_final_message"], sent["add_generation_prompt"]) == (True, False)
        assert ("guard_joins" in sent["vllm_xargs"]) is joins


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_the_policy_ends_is_a_refusal_with_its_text(
    client: httpx.AsyncClient, engine: FakeEngine, stream: bool
) -> None:
    engine.stop_reason = DEAD_END
    response = await client.post(PATH, json=asked(HATTA, stream=stream))
    assert "content_filter" not in response.text
    if stream:
        events = events_of(response)
        said = "".join(event["delta"]["text"] for event in events if event["type"] == "content_block_delta")
        end = events[-2]["delta"]
    else:
        end = response.json()
        (block,) = end["content"]
        said = block["text"]
    assert (said, end["stop_reason"], end["stop_sequence"]) == (SAY, "refusal", None)


async def test_a_limit_beyond_the_context_is_none(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    for most, sent in (
        (engine.context_length - 1, {engine.context_length - 1}),
        (engine.context_length, {None}),
        (32_000, {None}),
    ):
        assert (await client.post(PATH, json=asked(max_tokens=most))).status_code == 200
        assert {body.get("max_tokens") for body in engine.bodies} == sent
        engine.bodies.clear()


async def test_an_answer_may_be_sent_back(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    engine.stop_reason = DEAD_END
    for first in (asked(), asked(HATTA)):
        answer = (await client.post(PATH, json=first)).json()
        again = asked(*first["messages"], {"role": answer["role"], "content": answer["content"]}, HI)
        assert (await client.post(PATH, json=again)).status_code == 200


async def test_tools_and_formats_are_sent_as_a_chat_sends_them(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    largest = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 2**64 - 1}}}
    tool = {**TOOL, "input_schema": largest}
    body = asked(tools=[tool], tool_choice={"type": "any"}, output_config={"format": {"type": "json_schema", "schema": largest}})
    assert (await client.post(PATH, json=body)).status_code == 200
    sent = engine.bodies[-1]
    assert sent["tool_choice"] == "required"
    assert sent["tools"][0]["function"]["strict"] is True
    assert "18446744073709551615" not in json.dumps(sent)


ERRORS: list[tuple[str, str, dict[str, Any], int, str, str | None]] = [
    ("POST", PATH, {"json": asked(max_tokens=None)}, 400, "invalid_request_error", "max_tokens"),
    ("POST", PATH, {"json": asked({"role": "user", "content": [{"type": "image"}]})}, 400, "invalid_request_error", "messages"),
    ("POST", PATH, {"json": asked(unheard_of=1)}, 400, "invalid_request_error", "unheard_of"),
    ("POST", PATH, {"json": {"x": "x" * 20_000}}, 413, "request_too_large", None),
    ("POST", PATH, {"content": b"x"}, 415, "invalid_request_error", None),
    ("GET", PATH, {}, 405, "invalid_request_error", None),
    ("POST", "/v1/messages/batches", {"json": {}}, 404, "not_found_error", None),
    ("POST", COUNT, {"json": {**asked(), "model": "other"}}, 404, "not_found_error", "model"),
    ("POST", COUNT, {"json": {"messages": []}}, 400, "invalid_request_error", "messages"),
]


@pytest.mark.parametrize(("method", "path", "sent", "status", "kind", "param"), ERRORS)
async def test_errors_have_the_envelope_of_anthropic_s_api(
    client: httpx.AsyncClient, method: str, path: str, sent: dict[str, Any], status: int, kind: str, param: str | None
) -> None:
    response = await client.request(method, path, **sent)
    told = response.json()
    assert response.status_code == status, response.text
    assert told.keys() == {"type", "error"}
    assert told["error"].keys() == {"type", "message", "param", "code"}
    assert (told["type"], told["error"]["type"]) == ("error", kind)
    assert (told["error"]["param"] or "").partition("[")[0] == (param or "")


async def test_errors_of_middleware_keys_and_limits_have_it_too(
    client: httpx.AsyncClient, app: FastAPI, engine: FakeEngine
) -> None:
    async def kind(**sent: Any) -> tuple[int, str, str]:
        response = await client.post(PATH, json=asked(), **sent)
        told = response.json()
        return response.status_code, told["type"], told["error"]["type"]

    service = app.state.service
    service.draining.begun = True
    assert await kind() == (503, "error", "overloaded_error")
    service.draining.begun = False
    admin = {"x-api-key": (await client.post("/v1/keys", json={"role": "admin", "name": "a"})).json()["key"]}
    limited = {"role": "client", "name": "c", "rate_per_minute": 1, "burst": 1}
    key = {"x-api-key": (await client.post("/v1/keys", json=limited, headers=admin)).json()["key"]}
    assert await kind() == (401, "error", "authentication_error")
    assert await kind(headers={"x-api-key": "x", "anthropic-version": "2023-06-01"}) == (401, "error", "authentication_error")
    assert (await client.post(PATH, json=asked(), headers=key)).status_code == 200
    assert await kind(headers=key) == (429, "error", "rate_limit_error")
    # Other routes keep OpenAI's.
    assert (await client.post("/v1/completions", json={})).json().keys() == {"error"}
    assert engine.answering == 0


async def test_a_refusal_of_the_engine_s_is_a_status_before_the_stream_and_an_event_in_it(
    client: httpx.AsyncClient, engine: FakeEngine
) -> None:
    engine.always_fails = True
    engine.fails_under_a_grammar = 400
    engine.says_before_failing = False
    for stream in (False, True):
        response = await client.post(PATH, json=asked(stream=stream))
        assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error")
    engine.says_before_failing = True
    *_, last = events_of(await client.post(PATH, json=asked(stream=True)))
    assert (last["type"], last["error"]["type"]) == ("error", "invalid_request_error")
