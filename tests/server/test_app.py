"""Routes, readiness, and the proof before it."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import openai
import pytest
from fastapi import FastAPI
from fastapi.openapi.models import OpenAPI

from server.app import create_app
from server.settings import Settings
from tests.server.fakes import FakeEngine, WordEncoder, opener

VLLM_ROUTES = [
    "/v1/chat/completions/batch",
    "/v1/chat/completions/render",
    "/v1/completions/render",
    "/v1/responses/",
    "/v1/responses/x/cancel",
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
    "/v1/messages/",
    "/v1/messages/batches",
    "/pause",
    "/sleep",
    "/v1/load_lora_adapter",
    "/v1/chat/completions/",
    "/v1//chat/completions",
    "//v1/chat/completions",
    "/V1/chat/completions",
    "/v1/chat/completions%2f",
    "/v1/chat%2Fcompletions/",
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


UNGUARDED: dict[str, dict[str, Any]] = {
    "/v1/responses/x/input_items": {"model": "fake", "input": "Where does Hatta live?", "stream": True},
    "/tokenize": {"model": "fake", "prompt": "x"},
    "/v1/chat/completions/batch": {"model": "fake", "messages": [[{"role": "user", "content": "Name a river in Norway."}]]},
}


@pytest.mark.slow
@pytest.mark.parametrize("path", UNGUARDED)
async def test_api_11_what_is_not_guarded_is_not_served_and_is_told_what_is(
    client: httpx.AsyncClient, engine: FakeEngine, path: str
) -> None:
    response = await client.post(path, json=UNGUARDED[path])
    error = response.json()["error"]
    assert (response.status_code, error["type"], error["code"]) == (404, "invalid_request_error", "not_found")
    assert "The server has" in error["message"]
    for served in ("POST /v1/chat/completions", "POST /v1/completions", "GET /v1/models", "POST /v1/moderations"):
        assert served in error["message"]
    assert path not in error["message"].replace("/v1/chat/completions,", "").split()
    assert engine.bodies == []


@pytest.mark.slow
async def test_api_11_another_method_is_told_which_are_allowed(client: httpx.AsyncClient) -> None:
    for path, allowed in (
        ("/v1/models", "GET, HEAD"),
        ("/v1/models/fake", "GET, HEAD"),
        ("/v1/forget-targets", "GET, HEAD, POST"),
        ("/v1/forget-targets/hatter", "DELETE, GET, HEAD, PATCH"),
        ("/health", "GET, HEAD"),
        ("/v1/completions", "POST"),
    ):
        response = await client.put(path)
        error = response.json()["error"]
        assert (response.status_code, error["code"], response.headers["allow"]) == (405, "method_not_allowed", allowed), path
        assert f"It takes {allowed}." in error["message"]


@pytest.mark.slow
async def test_api_10_a_model_is_shown_by_its_name(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = (await client.get("/v1/models")).json()
    assert (await client.get("/v1/models/fake")).json() == listed["data"][0]
    unknown = await client.get("/v1/models/nope")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")
    assert unknown.json()["error"]["param"] == "model"

    async def two(*_: Any) -> dict[str, Any]:
        return {"data": [{"id": "fake"}, {"id": "meta-llama/Llama-3.2-1B-Instruct"}]}

    monkeypatch.setattr("server.app.json_of", two)
    for name in ("meta-llama%2FLlama-3.2-1B-Instruct", "meta-llama/Llama-3.2-1B-Instruct"):
        shown = await client.get(f"/v1/models/{name}")
        assert (shown.status_code, shown.json()["id"]) == (200, "meta-llama/Llama-3.2-1B-Instruct")
    assert (await client.get("/v1/models/meta-llama")).status_code == 404


@pytest.mark.slow
async def test_clients_models_retrieve_and_list_are_what_the_sdk_reads(app: FastAPI, client: httpx.AsyncClient) -> None:
    sdk = openai.AsyncOpenAI(api_key="none", base_url="http://localhost/v1", http_client=client, max_retries=0)
    (first,) = (await sdk.models.list()).data
    assert first == await sdk.models.retrieve("fake")
    assert first.root == "fake"  # type: ignore[attr-defined]
    type(first).model_validate_json(first.model_dump_json(), strict=True)
    with pytest.raises(openai.NotFoundError) as caught:
        await sdk.models.retrieve("somebody/else")
    assert caught.value.code == "model_not_found"
    key = (await client.post("/v1/keys", json={"role": "admin", "name": "mine"})).json()["key"]
    assert (await client.get("/v1/models/fake")).status_code == 401
    assert (await client.get("/v1/models/fake", headers={"x-api-key": key})).status_code == 200


@pytest.mark.slow
async def test_api_10_and_clients_head_is_answered_where_get_is(client: httpx.AsyncClient) -> None:
    for path in ("/health", "/ready", "/version", "/openapi.json", "/v1/models", "/v1/models/fake", "/v1/forget-targets"):
        head, get = await client.head(path), await client.get(path)
        assert (head.status_code, head.content) == (200, b""), path
        assert head.headers["content-type"] == get.headers["content-type"]
        assert head.headers["content-length"] == get.headers["content-length"]
    assert (await client.head("/metrics")).status_code == 200
    missing = await client.head("/v1/responses/x")
    assert (missing.status_code, missing.content) == (404, b"")


@pytest.mark.slow
async def test_p7_the_description_has_the_routes_that_generate_and_what_is_no_json(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    OpenAPI.model_validate(document)
    paths, schemas = document["paths"], document["components"]["schemas"]
    for path, request, answer in (
        ("/v1/chat/completions", "ChatCompletionRequest", "ChatCompletion"),
        ("/v1/completions", "CompletionRequest", "Completion"),
        ("/v1/responses", "ResponseRequest", "Response"),
        ("/v1/messages", "MessageRequest", "Message"),
        ("/v1/messages/count_tokens", "MessageTokensRequest", "MessageTokens"),
        ("/v1/moderations", "ModerationRequest", "ModerationResponse"),
    ):
        described = paths[path]["post"]
        sent = described["requestBody"]["content"]["application/json"]["schema"]
        assert sent == {"$ref": f"#/components/schemas/{request}"}
        answered = described["responses"]["200"]["content"]["application/json"]["schema"]
        assert answered == {"$ref": f"#/components/schemas/{answer}"}
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert references <= set(schemas)
    assert list(paths["/metrics"]["get"]["responses"]["200"]["content"]) == ["text/plain"]
    assert "503" in paths["/ready"]["get"]["responses"]
    for path, methods in paths.items():
        for method, described in methods.items():
            error = described["responses"]["default"]["content"]["application/json"]["schema"]
            envelope = "MessageError" if path.startswith("/v1/messages") else "ErrorEnvelope"
            assert error == {"$ref": f"#/components/schemas/{envelope}"}, (method, path)


@pytest.mark.slow
async def test_p7_every_route_is_described_and_no_other(client: httpx.AsyncClient, app: FastAPI) -> None:
    document = (await client.get("/openapi.json")).json()
    routes = {getattr(route, "path_format", None) for route in app.routes}
    assert set(document["paths"]) == routes


@pytest.mark.slow
async def test_p7_the_page_is_off_by_default_and_loads_nothing_from_elsewhere(
    settings: Settings, engine: FakeEngine, encoder: WordEncoder
) -> None:
    app = create_app(settings.model_copy(update={"docs": True}), opener(engine), lambda _: encoder)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client:
        page = await client.get("/docs")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert re.findall(r"(?:https?:)?//[\w.]+", page.text) == []
        used = re.findall(r'(?:src|href)="(docs/[^"]+)"', page.text)
        assert len(used) == 2
        for file in used:
            assert (await client.get(f"/{file}")).status_code == 200
        assert "url: 'openapi.json'" in page.text
        assert '"validatorUrl": null' in page.text
        for other in ("x.js", "..%2f__init__.py", "%2e%2e%2f%2e%2e%2foffline_docs.py"):
            assert (await client.get(f"/docs/{other}")).status_code == 404


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
    assert (described["title"], described["version"]) == ("guard-server", versions["version"])


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
