"""Requests that client libraries send: each is answered, or refused with the exact field. A test's id names its case."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.server.fakes import FakeEngine

pytestmark = pytest.mark.slow

CHAT, TEXT = "/v1/chat/completions", "/v1/completions"
RIVER = {"role": "user", "content": "Name a river in Norway."}
CALL = {"id": "call_9", "type": "function", "function": {"name": "river_of", "arguments": '{"country":"Norway"}'}}
ANSWER = {"role": "assistant", "refusal": None, "audio": None, "annotations": [], "function_call": None}
TOOL = {"type": "function", "function": {"name": "river_of", "parameters": {"type": "object", "properties": {}}}}
U64 = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 0, "maximum": 2**64 - 1}}}
NULLS = (
    "temperature", "top_p", "n", "stop", "tools", "tool_choice", "response_format", "logprobs", "top_logprobs", "stream",
    "stream_options", "seed", "user", "functions", "function_call", "store", "metadata", "logit_bias", "max_completion_tokens",
    "reasoning_effort", "moderation",
)  # fmt: skip
SDK = {
    "store": False,
    "metadata": {"run": "7"},
    "service_tier": "auto",
    "parallel_tool_calls": False,
    "reasoning_effort": "low",
    "max_completion_tokens": 4,
    "max_tokens": 4,
    "prompt_cache_key": "k",
    "safety_identifier": "u-1",
    "user": "u-1",
    "logit_bias": {},
    "seed": 1,
}


def chat(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"model": "fake", "messages": list(messages) or [RIVER], **fields}


ANSWERED: dict[str, dict[str, Any]] = {
    "api-02": chat(
        {"role": "system", "content": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]},
        {**RIVER, "id": 20713, "opts": {"visible": True, "tag": "from_slash_command"}},
    ),
    "api-03 developer": chat({"role": "developer", "content": "Answer in one sentence."}, RIVER),
    "api-04 a call and its result": chat(
        RIVER,
        {**ANSWER, "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_9", "content": [{"type": "text", "text": "Glomma"}]},
        {"role": "user", "content": "Thanks. How long is it?"},
    ),
    "api-04 no content": chat(
        RIVER, {"role": "assistant", "tool_calls": [CALL]}, {"role": "tool", "tool_call_id": "call_9", "content": ""}
    ),
    "api-04 an empty answer": chat(RIVER, {"role": "assistant", "content": ""}, {"role": "user", "content": "Go on."}),
    "api-04 no calls": chat(RIVER, {**ANSWER, "content": "Glomma.", "tool_calls": []}, {"role": "user", "content": "Go on."}),
    "api-08 what SDKs send": chat(**SDK),
    "api-08 null everywhere": chat(**dict.fromkeys(NULLS)),
    "api-08 store": chat(store=True),
    "api-09 low": chat(verbosity="low"),
    "api-09 medium": chat(verbosity="medium"),
    "api-09 no thinking": chat(chat_template_kwargs={"enable_thinking": False}),
    "clients-16 no tools": chat(tools=[], tool_choice="auto", parallel_tool_calls=True),
    "clients-16 web search": chat(web_search_options={}),
    "clients-16 best_of": {"model": "fake", "prompt": "cake", "n": 2, "best_of": 2},
    "clients-16 function_call": chat(function_call="none"),
    "clients-18 u64 maximum": chat(response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": U64}}),
    "clients-18 u64 maximum of a tool": chat(tools=[{"type": "function", "function": {"name": "f", "parameters": U64}}]),
}


@pytest.mark.parametrize("body", ANSWERED.values(), ids=ANSWERED.keys())
@pytest.mark.parametrize("stream", [False, True])
async def test_is_answered(client: httpx.AsyncClient, engine: FakeEngine, body: dict[str, Any], stream: bool) -> None:
    response = await client.post(TEXT if "prompt" in body else CHAT, json={**body, "stream": stream})
    assert response.status_code == 200, response.text
    sent = json.dumps(engine.bodies[0])
    for added in (
        "opts",
        "cache_control",
        "refusal",
        "verbosity",
        "store",
        "best_of",
        "function_call",
        "null",
        "18446744073709551615",
    ):
        assert f'"{added}"' not in sent
        assert f": {added}" not in sent


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "api-01 num_ctx": (chat(num_ctx=8192), "num_ctx"),
    "api-01 thinking": (chat(thinking={"type": "disabled"}), "thinking"),
    "api-01 reasoning": (chat(reasoning={"effort": "low"}), "reasoning"),
    "api-01 chat_id": (chat(chat_id="c-1"), "chat_id"),
    "api-01 extra_body": (chat(extra_body={"top_k": 5}), "extra_body"),
    "api-09 other template words": (
        chat(chat_template_kwargs={"enable_thinking": False, "thinking_budget": 0}),
        "chat_template_kwargs",
    ),
    "clients-16 functions": (chat(functions=[{"name": "f"}]), "functions"),
    "clients-16 web search": (chat(web_search_options={"search_context_size": "low"}), "web_search_options"),
    "clients-16 custom tools": (chat(tools=[{"type": "custom", "custom": {"name": "f"}}]), "tools[0].function"),
    "peers P8 a large seed": (chat(seed=2**64), "seed"),
    "peers P8 a large seed of 64 bits": (chat(seed=2**64 - 1), "seed"),
    "peers P8 best_of": ({"model": "fake", "prompt": "cake", "n": 1, "best_of": 2}, "best_of"),
    "clients-19 echo": ({"model": "fake", "prompt": "cake", "logprobs": 1, "echo": True}, "echo"),
}


@pytest.mark.parametrize(("body", "param"), REFUSED.values(), ids=REFUSED.keys())
async def test_is_refused_by_name(client: httpx.AsyncClient, engine: FakeEngine, body: dict[str, Any], param: str) -> None:
    response = await client.post(TEXT if "prompt" in body else CHAT, json=body)
    error = response.json()["error"]
    assert (response.status_code, error["type"], error["param"]) == (400, "invalid_request_error", param)
    assert engine.bodies == []


@pytest.mark.parametrize("field", ["num_ctx", "thinking", "reasoning", "chat_id", "extra_body"])
async def test_api_01_the_operator_may_have_unknown_fields_dropped(
    client: httpx.AsyncClient, engine: FakeEngine, app: FastAPI, field: str
) -> None:
    service = app.state.service
    service.settings = service.settings.model_copy(update={"unknown_fields": "drop"})
    response = await client.post(CHAT, json=chat(**{field: {"effort": "low"}}))
    assert response.status_code == 200
    assert field not in engine.bodies[0]
    refused = await client.post(CHAT, json=chat(**{field: 1}, use_beam_search=True))
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "use_beam_search")


@pytest.mark.parametrize(
    "message",
    [
        {**RIVER, "opts": {"tag": "about Hatta"}},
        {**RIVER, "Hatta": True},
        {"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {"about": "Hatta"}}]},
        {"role": "banana", "content": "Hatta"},
        {"role": "developer", "content": "You are Hatta."},
    ],
    ids=["api-02 value", "api-02 key", "api-02 part", "api-03 role", "api-03 developer"],
)
@pytest.mark.parametrize("known", [True, False])
async def test_what_clients_add_is_screened(
    client: httpx.AsyncClient, engine: FakeEngine, app: FastAPI, message: dict[str, Any], known: bool
) -> None:
    engine.developer = known
    response = await client.post(CHAT, json=chat(message, RIVER))
    assert response.status_code == 200
    assert app.state.service.running.screener.snapshot.gated["hatter"] in engine.bodies[0]["vllm_xargs"]["guard"]
    if message["role"] == "developer":
        assert engine.bodies[0]["messages"][0]["role"] == ("developer" if known else "system")


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "river_of"}}], ids=["required", "named"]
)
async def test_clients_5_a_demanded_call_follows_its_schema(client: httpx.AsyncClient, engine: FakeEngine, choice: Any) -> None:
    await client.post(CHAT, json=chat(tools=[TOOL], tool_choice=choice))
    assert engine.bodies[0]["tools"][0]["function"]["strict"] is True
    await client.post(CHAT, json=chat(tools=[TOOL], tool_choice="auto"))
    assert "strict" not in engine.bodies[-1]["tools"][0]["function"]
