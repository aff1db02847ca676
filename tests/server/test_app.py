"""Routes, readiness, and the proof before it."""

from __future__ import annotations

import httpx
import pytest

from server.app import create_app
from server.settings import Settings
from tests.server.fakes import FakeEngine, WordEncoder, opener

VLLM_ROUTES = [
    "/v1/chat/completions/batch",
    "/v1/chat/completions/render",
    "/v1/completions/render",
    "/v1/responses",
    "/v1/responses/x",
    "/v1/responses/x/cancel",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/invocations",
    "/inference/v1/generate",
    "/inference/v1/abort_requests",
    "/generative_scoring",
    "/v1/systemone",
    "/tokenize",
    "/detokenize",
    "/scale_elastic_ep",
    "/load",
    "/ping",
    "/docs",
    "/redoc",
    "/v1/embeddings",
    "/pause",
    "/sleep",
    "/v1/load_lora_adapter",
    "/v1/chat/completions/",
    "/v1//chat/completions",
    "//v1/chat/completions",
    "/V1/chat/completions",
    "/v1/chat/completions%2f",
    "/v1/chat%2Fcompletions/",
    "/v1/models/fake",
    "/health/",
    "/",
    "/v1",
]


@pytest.mark.slow
@pytest.mark.parametrize("path", VLLM_ROUTES)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_every_other_path_is_404(client: httpx.AsyncClient, engine: FakeEngine, path: str, method: str) -> None:
    response = await client.request(
        method, path, json={"messages": [{"role": "user", "content": "x"}]} if method == "POST" else None
    )
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"
    assert engine.bodies == []


@pytest.mark.slow
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
async def test_other_methods_are_405(client: httpx.AsyncClient, method: str) -> None:
    response = await client.request(method, "/v1/chat/completions")
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"


@pytest.mark.slow
async def test_what_is_open(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health")).json() == {"status": "alive"}
    assert (await client.get("/ready")).json() == {"status": "ready"}
    assert (await client.get("/v1/models")).json()["data"][0]["id"] == "fake"
    versions = (await client.get("/version")).json()
    assert versions["vllm"] == "fake"
    described = (await client.get("/openapi.json")).json()["info"]
    assert described == {"title": "guard-server", "version": versions["version"]}


async def test_before_the_proof_only_health_answers(settings: Settings, engine: FakeEngine, encoder: WordEncoder) -> None:
    app = create_app(settings, opener(engine), lambda _: encoder)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        assert (await client.get("/health")).status_code == 200
        for method, path in [("GET", "/ready"), ("GET", "/v1/models"), ("POST", "/v1/chat/completions"), ("GET", "/metrics")]:
            response = await client.request(method, path, json={})
            assert response.status_code == 503
            assert response.json()["error"]["code"] == "not_ready"


@pytest.mark.slow
async def test_a_dead_engine_is_not_ready(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    engine.healthy = False
    assert (await client.get("/ready")).status_code == 503
    assert (await client.get("/health")).status_code == 200


@pytest.mark.slow
async def test_previews_count_the_engine_s_tokens(client: httpx.AsyncClient) -> None:
    response = await client.post(
        "/v1/forget-targets:preview", json={"name": "Mad Hatter", "phrases": [{"text": "tea"}], "forms": []}
    )
    assert {phrase["text"]: phrase["tokens"] for phrase in response.json()["phrases"]} == {"tea": 1, "Mad Hatter": 1}
