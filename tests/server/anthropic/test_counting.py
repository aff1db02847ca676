"""The route that counts tokens: with a client's key, within the limits, and without an answer."""

from __future__ import annotations

import json

import httpx
import pytest
from fastapi import FastAPI

from server.http.body import BodyLimits
from tests.server.anthropic.test_dialect import COUNT, HATTA, HI, TOOL
from tests.server.fakes import FakeEngine

pytestmark = pytest.mark.slow


async def test_tokens_are_counted_with_the_key_of_a_client_and_nothing_is_generated(
    client: httpx.AsyncClient, engine: FakeEngine
) -> None:
    body = {"model": "fake", "messages": [HATTA], "system": "Be brief.", "tools": [TOOL], "thinking": {"type": "disabled"}}
    response = await client.post(COUNT, json=body)
    assert response.status_code == 200, response.text
    (sent,) = engine.bodies
    assert response.json() == {"input_tokens": len(json.dumps([sent["messages"], sent["tools"]]))}
    assert sent.keys() == {"model", "messages", "tools", "chat_template_kwargs"}
    assert [message["role"] for message in sent["messages"]] == ["system", "user"]
    prefilled = {"model": "fake", "messages": [HI, {"role": "assistant", "content": "A good"}]}
    assert (await client.post(COUNT, json=prefilled)).status_code == 200
    assert engine.bodies[-1]["continue_final_message"] is True
    await client.post("/v1/keys", json={"role": "admin", "name": "a"})
    assert (await client.post(COUNT, json=body)).status_code == 401


async def test_the_body_of_a_count_is_limited_like_any_other(client: httpx.AsyncClient, app: FastAPI, engine: FakeEngine) -> None:
    assert app.state.service.settings.limits.bytes < BodyLimits().bytes
    assert (await client.post(COUNT, json={"x": "x" * 20_000})).status_code == 413
    engine.context_length = 100
    long = await client.post(COUNT, json={"model": "fake", "messages": [{"role": "user", "content": "cake " * 500}]})
    assert (long.status_code, long.json()["error"]["code"]) == (400, "context_length_exceeded")
    assert engine.bodies == []
