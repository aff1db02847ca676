"""Embeddings: the served model makes none, and the server says so."""

from __future__ import annotations

import httpx
import pytest

from tests.server.fakes import FakeEngine


@pytest.mark.slow
async def test_embeddings_say_that_the_served_model_makes_none(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    response = await client.post("/v1/embeddings", json={"model": "fake", "input": "Hatta"})
    error = response.json()["error"]
    assert (response.status_code, error["param"], error["code"]) == (400, "model", "model_not_supported")
    assert "makes no embeddings" in error["message"]
    assert engine.bodies == []
    await client.post("/v1/keys", json={"role": "admin", "name": "a"})
    assert (await client.post("/v1/embeddings", json={"model": "fake", "input": "x"})).status_code == 401
