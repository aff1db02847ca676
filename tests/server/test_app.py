"""Routes, readiness, and the proof before it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from server.app import create_app
from server.errors import EngineFailure, GuardFailure
from server.policy.file import PolicyError
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


@pytest.mark.parametrize("path", VLLM_ROUTES)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_every_other_path_is_404(client: httpx.AsyncClient, engine: FakeEngine, path: str, method: str) -> None:
    response = await client.request(
        method, path, json={"messages": [{"role": "user", "content": "x"}]} if method == "POST" else None
    )
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"
    assert engine.bodies == []


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
async def test_other_methods_are_405(client: httpx.AsyncClient, method: str) -> None:
    response = await client.request(method, "/v1/chat/completions")
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"


async def test_what_is_open(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health")).json() == {"status": "alive"}
    assert (await client.get("/ready")).json() == {"status": "ready"}
    assert (await client.get("/v1/models")).json()["data"][0]["id"] == "fake"
    versions = (await client.get("/version")).json()
    assert versions["vllm"] == "fake"
    described = (await client.get("/openapi.json")).json()["info"]
    assert described == {"title": "guard-server", "version": versions["version"]}


async def test_metrics_count_but_do_not_tell(client: httpx.AsyncClient) -> None:
    await client.post("/v1/chat/completions", json={"model": "fake", "messages": [{"role": "user", "content": "Hatta?"}]})
    text = (await client.get("/metrics")).text
    assert 'guard_decisions_total{verdict="restrict"} 1.0' in text
    assert "vllm:fake 1" in text
    assert "hatt" not in text.lower()


async def test_a_data_folder_belongs_to_one_process(
    client: httpx.AsyncClient, settings: Settings, engine: FakeEngine, encoder: WordEncoder
) -> None:
    second = create_app(settings, opener(engine), lambda _: encoder)
    async with second.router.lifespan_context(second):
        with pytest.raises(RuntimeError, match="used by another server process"):
            await second.state.service.settled()
    assert (await client.get("/ready")).status_code == 200


async def test_before_the_proof_only_health_answers(settings: Settings, engine: FakeEngine, encoder: WordEncoder) -> None:
    app = create_app(settings, opener(engine), lambda _: encoder)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        assert (await client.get("/health")).status_code == 200
        for method, path in [("GET", "/ready"), ("GET", "/v1/models"), ("POST", "/v1/chat/completions"), ("GET", "/metrics")]:
            response = await client.request(method, path, json={})
            assert response.status_code == 503
            assert response.json()["error"]["code"] == "not_ready"


async def test_a_dead_engine_is_not_ready(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    engine.healthy = False
    assert (await client.get("/ready")).status_code == 503
    assert (await client.get("/health")).status_code == 200


async def test_when_the_engine_dies_the_service_ends_with_the_reason(app: FastAPI, engine: FakeEngine) -> None:
    async with app.router.lifespan_context(app):
        service = app.state.service
        await service.settled()
        engine.dead.set()
        await asyncio.wait_for(service.ended(), 10)
        assert "the engine died" in str(service.failure)
        assert not await service.ready()


async def failure(app: FastAPI) -> Exception:
    async with app.router.lifespan_context(app):
        with pytest.raises(Exception) as caught:
            await asyncio.wait_for(app.state.service.settled(), 30)
        with pytest.raises(Exception, match="not proven"):
            _ = app.state.service.running
    return caught.value


async def test_an_engine_that_ignores_restrictions_is_not_served(app: FastAPI, engine: FakeEngine) -> None:
    engine.obeys = False
    error = await failure(app)
    assert isinstance(error, GuardFailure)
    assert "not live" in str(error)


async def test_an_engine_that_does_not_ask_for_the_guard_is_not_served(app: FastAPI, engine: FakeEngine) -> None:
    engine.asks = False
    assert "without a guard argument" in str(await failure(app))


async def test_an_engine_that_does_not_load_is_not_served(app: FastAPI, engine: FakeEngine) -> None:
    async def load(_: object) -> None:
        raise EngineFailure("a worker did not load 1 of 1 restrictions")

    engine.load = load  # type: ignore[method-assign,assignment]
    assert "did not load" in str(await failure(app))


async def test_the_canary_leaves_nothing_behind(client: httpx.AsyncClient, engine: FakeEngine, settings: Settings) -> None:
    assert len(engine.loaded) == 2
    assert {path.stem for path in settings.restrictions.iterdir()} == set(engine.loaded)


def test_a_policy_that_cannot_be_loaded_is_told_at_once(tmp_path: Path, engine: FakeEngine) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\ntargets: []\nextra: 1\n")
    with pytest.raises(PolicyError, match=r"policy.yaml:3"):
        create_app(Settings(model="m", policy=policy, data_dir=tmp_path), opener(engine))


async def test_word_vectors_are_made_ready_only_where_a_target_has_semantic_words(
    settings: Settings, engine: FakeEngine, encoder: WordEncoder
) -> None:
    with_words = settings.policy.read_text().replace("    phrases:\n", "    semantic: {words: [biscuit]}\n    phrases:\n")
    for policy, words in ((settings.policy.read_text(), []), (with_words, [encoder.fingerprint])):
        settings.policy.write_text(policy)
        app = create_app(settings, opener(engine), lambda _: encoder)
        async with app.router.lifespan_context(app):
            await app.state.service.settled()
            assert engine.words == words


async def test_a_server_whose_word_vectors_cannot_be_made_does_not_become_ready(
    settings: Settings, engine: FakeEngine, encoder: WordEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(engine, "prepare_words", full)
    policy = settings.policy.read_text()
    settings.policy.write_text(policy.replace("    phrases:\n", "    semantic: {words: [biscuit]}\n    phrases:\n"))
    app = create_app(settings, opener(engine), lambda _: encoder)
    async with app.router.lifespan_context(app):
        with pytest.raises(OSError, match="No space left"):
            await app.state.service.settled()
        assert not await app.state.service.ready()
    assert engine.loaded == []


async def test_previews_count_the_engine_s_tokens(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/forget-targets:preview", json={"name": "Mad Hatter", "phrases": [{"text": "tea"}]})
    assert {phrase["text"]: phrase["tokens"] for phrase in response.json()["phrases"]} == {"tea": 1, "Mad Hatter": 1}
