"""Routes, readiness, and the proof before it."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

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


FORWARDED = ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via"]


@pytest.mark.slow
@pytest.mark.parametrize("header", FORWARDED)
async def test_f12_without_keys_what_a_proxy_passed_on_is_refused(
    client: httpx.AsyncClient, engine: FakeEngine, header: str
) -> None:
    passed_on = {header: "127.0.0.1"}
    for method, path in (("GET", "/v1/keys"), ("GET", "/v1/forget-targets"), ("POST", "/v1/completions"), ("GET", "/metrics")):
        response = await client.request(method, path, headers=passed_on, json={"model": "fake", "prompt": "a"})
        assert response.status_code == 401
        assert "came through a proxy" in response.json()["error"]["message"]
    assert engine.bodies == []
    assert (await client.get("/v1/keys")).status_code == 200
    # With a key it may come through as many proxies as it likes.
    key = (await client.post("/v1/keys", json={"role": "admin", "name": "mine"})).json()["key"]
    assert (await client.get("/v1/keys", headers={**passed_on, "x-api-key": key})).status_code == 200


@pytest.mark.slow
async def test_f12_the_start_says_what_no_keys_means(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    told = " ".join(record.message for record in caplog.get_records("setup"))
    assert "no API keys" in told
    assert "proxy" in told


@pytest.mark.slow
@pytest.mark.parametrize(("origin", "status"), [("https://evil.example", 401), ("http://localhost:3000", 200), ("null", 401)])
async def test_without_keys_a_page_of_another_host_is_refused(client: httpx.AsyncClient, origin: str, status: int) -> None:
    assert (await client.get("/v1/keys", headers={"Origin": origin})).status_code == status


@pytest.mark.slow
async def test_f11_metrics_need_a_key_where_there_are_keys(client: httpx.AsyncClient, settings: Settings) -> None:
    assert "guard_decisions" in (await client.get("/metrics")).text
    keys = {}
    for role in ("admin", "auditor", "client"):
        made = await client.post("/v1/keys", json={"role": role, "name": role}, headers={"x-api-key": keys.get("admin", "")})
        keys[role] = made.json()["key"]
    assert (await client.get("/metrics")).status_code == 401
    for role, status in (("client", 403), ("auditor", 200), ("admin", 200)):
        assert (await client.get("/metrics", headers={"x-api-key": keys[role]})).status_code == status
    object.__setattr__(settings, "metrics_open", True)
    assert (await client.get("/metrics")).status_code == 200


@pytest.mark.slow
async def test_f11_models_have_one_time_and_no_path(client: httpx.AsyncClient) -> None:
    first = (await client.get("/v1/models")).json()
    assert first == (await client.get("/v1/models")).json()
    assert first["data"][0]["root"] == "fake"
    assert first["data"][0]["created"] > 1_700_000_000


@pytest.mark.slow
@pytest.mark.parametrize("allowed", ["https://app.example", "*"])
async def test_p4_pages_of_allowed_origins_may_call(
    settings: Settings, engine: FakeEngine, encoder: WordEncoder, few_prompts: None, allowed: str
) -> None:
    settings = settings.model_copy(update={"allowed_origins": (allowed,)})
    app = create_app(settings, opener(engine), lambda _: encoder)
    asked = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    async with app.router.lifespan_context(app):
        await app.state.service.settled()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client:
            key = (await client.post("/v1/keys", json={"role": "client", "name": "page"})).json()["key"]
            preflight = await client.options("/v1/completions", headers=asked)
            assert preflight.status_code == 200
            assert preflight.headers["access-control-allow-origin"] == allowed
            assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
            sent = {"Origin": "https://app.example", "Authorization": f"Bearer {key}"}
            answer = await client.post("/v1/completions", json={"model": "fake", "prompt": "a"}, headers=sent)
            assert answer.status_code == 200
            assert answer.headers["access-control-allow-origin"] == allowed
            assert "access-control-allow-credentials" not in answer.headers
            refused = await client.post("/v1/completions", json={"prompt": "a"}, headers={**sent, "Authorization": "Bearer x"})
            assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, allowed)
            if allowed != "*":
                other = await client.options("/v1/completions", headers={**asked, "Origin": "https://evil.example"})
                assert other.status_code == 400


@pytest.mark.slow
async def test_while_it_drains_only_its_state_is_told(client: httpx.AsyncClient, app: FastAPI) -> None:
    app.state.service.draining.begun = True
    for path in ("/ready", "/v1/models"):
        response = await client.get(path)
        assert (response.status_code, response.json()["error"]["code"]) == (503, "stopping")
        assert response.headers["retry-after"] == "1"
    for path in ("/health", "/metrics", "/version"):
        assert (await client.get(path)).status_code == 200
