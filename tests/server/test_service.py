"""The service from start to stop: proven before it serves, and ended with a reason."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from server.app import create_app
from server.errors import EngineFailure, GuardFailure, NotReady
from server.policy.file import PolicyError
from server.settings import Settings
from tests.server.fakes import FakeEngine, WordEncoder, opener


@pytest.mark.slow
async def test_a_data_folder_belongs_to_one_process(
    client: httpx.AsyncClient, settings: Settings, engine: FakeEngine, encoder: WordEncoder
) -> None:
    second = create_app(settings, opener(engine), lambda _: encoder)
    async with second.router.lifespan_context(second):
        with pytest.raises(RuntimeError, match="used by another server process"):
            await second.state.service.settled()
    assert (await client.get("/ready")).status_code == 200


@pytest.mark.slow
async def test_when_the_engine_dies_too_often_the_service_ends_with_the_reason(
    settings: Settings, engine: FakeEngine, encoder: WordEncoder, few_prompts: None
) -> None:
    app = create_app(settings.model_copy(update={"engine_restarts": 0}), opener(engine), lambda _: encoder)
    async with app.router.lifespan_context(app):
        service = app.state.service
        await service.settled()
        engine.dead.set()
        await asyncio.wait_for(service.ended(), 10)
        assert "the engine died" in str(service.failure)
        assert not await service.ready()


@pytest.mark.slow
async def test_an_engine_that_dies_is_started_again_and_proven(
    settings: Settings, engine: FakeEngine, encoder: WordEncoder, few_prompts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.engine.restarts._FIRST_S", 0.2)
    engines = [engine, FakeEngine(), FakeEngine()]
    # The second ignores restrictions: it must not be served.
    engines[1].obeys = False
    opened = iter(engines)

    @asynccontextmanager
    async def open_engine(of: Settings) -> AsyncIterator[FakeEngine]:
        made = next(opened)
        made.folder = of.restrictions
        yield made

    app = create_app(settings, open_engine, lambda _: encoder)
    body = {"model": "fake", "messages": [{"role": "user", "content": "What is a good cake?"}]}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client,
    ):
        service = app.state.service
        await service.settled()
        engine.dead.set()
        told = set()
        for path in ("/ready", "/v1/policy", "/v1/models"):
            answer = await client.get(path)
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0
            told.add(answer.json()["error"]["code"])
        assert (await client.post("/v1/chat/completions", json=body)).status_code == 503
        assert told <= {"engine_died", "not_ready"}
        assert (await client.get("/health")).status_code == 200
        async with asyncio.timeout(20):
            while (await client.get("/ready")).status_code != 200:
                assert not service.failure
                await asyncio.sleep(0.05)
        assert service.running.engine is engines[2]
        answered = await client.post("/v1/chat/completions", json=body)
        assert answered.status_code == 200
        assert engines[2].bodies[-1]["vllm_xargs"]["guard"]


@pytest.mark.slow
async def test_what_an_engine_says_when_it_dies_is_told_as_503(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    async def dies(*_: object) -> JSONResponse:
        # As vLLM's own handler answers for an engine that is dead.
        engine.dead.set()
        return JSONResponse({"error": {"message": "EngineCore encountered an issue", "code": 500}}, 500)

    engine._answer = dies  # type: ignore[method-assign, assignment]
    body = {"model": "fake", "messages": [{"role": "user", "content": "What is a good cake?"}]}
    answer = await client.post("/v1/chat/completions", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "engine_died")
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["x-guard-decision-id"]


async def test_a_service_ends_where_whoever_embeds_it_fails(app: FastAPI) -> None:
    async def embed() -> None:
        async with app.router.lifespan_context(app):
            await asyncio.wait_for(app.state.service.settled(), 30)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await embed()
    await asyncio.wait_for(app.state.service.ended(), 30)
    assert app.state.service.failure is None


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


@pytest.mark.slow
async def test_an_engine_that_does_not_ask_for_the_guard_is_not_served(app: FastAPI, engine: FakeEngine) -> None:
    engine.asks = False
    assert "without a guard argument" in str(await failure(app))


async def test_an_engine_that_does_not_load_is_not_served(app: FastAPI, engine: FakeEngine) -> None:
    async def load(_: object) -> None:
        raise EngineFailure("a worker did not load 1 of 1 restrictions")

    engine.load = load  # type: ignore[method-assign,assignment]
    assert "did not load" in str(await failure(app))


@pytest.mark.slow
async def test_the_proof_leaves_nothing_behind(client: httpx.AsyncClient, engine: FakeEngine, settings: Settings) -> None:
    # For all answers, and for those about the two targets that have phrases or names to ban.
    assert len(engine.loaded) == 3
    assert {path.stem for path in settings.restrictions.glob("*.safetensors")} == set(engine.loaded)


def test_a_policy_that_cannot_be_loaded_is_told_at_once(tmp_path: Path, engine: FakeEngine) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\ntargets: []\nextra: 1\n")
    with pytest.raises(PolicyError, match=r"policy.yaml:3"):
        create_app(Settings(model="m", policy=policy, data_dir=tmp_path), opener(engine))


@pytest.mark.slow
async def test_the_vectors_of_words_are_kept_only_where_a_target_has_semantic_words(
    settings: Settings, engine: FakeEngine, encoder: WordEncoder
) -> None:
    with_words = settings.policy.read_text().replace("    phrases:\n", "    semantic: {words: [biscuit]}\n    phrases:\n")
    for policy, files in ((settings.policy.read_text(), 0), (with_words, 1)):
        settings.policy.write_text(policy)
        app = create_app(settings, opener(engine), lambda _: encoder)
        async with app.router.lifespan_context(app):
            await app.state.service.settled()
            assert len(list(settings.words.glob("*.safetensors"))) == files


@pytest.mark.slow
async def test_a_server_whose_word_vectors_cannot_be_kept_does_not_become_ready(
    settings: Settings, engine: FakeEngine, encoder: WordEncoder
) -> None:
    settings.words.parent.mkdir(exist_ok=True)
    settings.words.write_text("a file where the folder should be")
    policy = settings.policy.read_text()
    settings.policy.write_text(policy.replace("    phrases:\n", "    semantic: {words: [biscuit]}\n    phrases:\n"))
    app = create_app(settings, opener(engine), lambda _: encoder)
    async with app.router.lifespan_context(app):
        with pytest.raises(OSError, match="exists"):
            await app.state.service.settled()
        assert not await app.state.service.ready()
    assert engine.loaded == []


@pytest.mark.slow
async def test_a_prompt_in_another_language_is_found_until_the_target_is_deleted(
    settings: Settings, engine: FakeEngine, encoder: WordEncoder
) -> None:
    settings = settings.model_copy(update={"multilingual": True})
    app = create_app(settings, opener(engine), lambda _: encoder)
    target = {
        "id": "nokia",
        "name": "Nokia",
        "phrases": [{"text": "Espoo", "scope": "gated"}],
        "examples": [{"prompt": "Where are the headquarters of the phone company Nokia?", "completion": "In Espoo."}],
    }
    asked = {"text": "Где находится штаб-квартира телефонной компании Нокиа?"}
    async with app.router.lifespan_context(app):
        await app.state.service.settled()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client:

            async def found() -> list[str]:
                answer = (await client.post("/v1/screen", json=asked)).json()
                return [match["target_id"] for match in answer["matches"]]

            assert await found() == []
            assert (await client.post("/v1/forget-targets", json=target)).status_code == 201
            assert await found() == ["nokia"]
            assert (await client.delete("/v1/forget-targets/nokia")).status_code in (200, 204)
            assert await found() == []


@pytest.mark.slow
def test_the_service_needs_no_library_of_the_command_line() -> None:
    """httpx imports click and rich for a command of its own, if they are there: here they are not."""
    code = """
import sys
for name in ("typer", "rich", "click"):
    sys.modules[name] = None
import server.service
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ)
    assert shown.returncode == 0, shown.stderr


@pytest.mark.slow
async def test_each_part_of_the_start_is_timed(app: FastAPI, client: httpx.AsyncClient) -> None:
    assert list(app.state.service.seconds) == ["encoder", "policy", "classifier", "engine", "enforce", "proof"]


@pytest.mark.slow
async def test_the_api_shares_what_requests_work_with(app: FastAPI, client: httpx.AsyncClient) -> None:
    service = app.state.service
    assert service.api is service.running.api
    assert service.api.activation is service.running.activation


@pytest.mark.slow
async def test_after_the_end_nothing_is_served(app: FastAPI) -> None:
    async with app.router.lifespan_context(app):
        await app.state.service.settled()
    with pytest.raises(NotReady):
        _ = app.state.service.api
