"""Two engines and a front end without vLLM: the whole server in front of a fleet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from transformers import PreTrainedTokenizerFast

from server.app import create_app
from server.engine.upstream import Upstream
from server.fleet.agent import Agent
from server.fleet.door import Door, Doorkeeper
from server.settings import Settings
from tests.server.fakes import WordEncoder
from tests.server.fleet.conftest import TOKEN, LeasedEngine, fronts_of
from tests.server.fleet.test_agent import Cable, running, until

pytestmark = pytest.mark.slow


class Member:
    """An engine of the fleet, with its door and its agent."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, folder: Path, front: FastAPI) -> None:
        self.engine = LeasedEngine(tokenizer, folder)
        self.door = Door()
        self.app = Doorkeeper(self.engine.app, self.door)
        self.cable = Cable(front)
        self.fronts = fronts_of(self.cable)
        self.agent = Agent(self.engine, self.fronts, self.door, folder, self.engine.about, pause_s=0.05)


class Router:
    """Gives requests to the engines in turn, to the next one if one is shut."""

    def __init__(self) -> None:
        self.members: list[Member] = []
        self.turn = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/health":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body"})
            return
        ready = [member for member in self.members if member.door.open] or self.members
        self.turn += 1
        await ready[self.turn % len(ready)].app(scope, receive, send)


@asynccontextmanager
async def fleet(
    settings: Settings, tokenizer: PreTrainedTokenizerFast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engines: int = 2
) -> AsyncIterator[tuple[httpx.AsyncClient, Router, FastAPI]]:
    """A front end whose service has settled, in front of some engines."""
    token = tmp_path / "token"
    token.write_text(TOKEN)
    remote = {"upstream": "http://router", "tokenizer": tokenizer.name_or_path, "engine_token_file": token}
    router = Router()
    transport = httpx.ASGITransport(app=router)
    monkeypatch.setattr("server.engine.remote.Upstream", lambda url, key: Upstream(url, key, transport))
    app = create_app(settings.model_copy(update=remote), None, lambda _: WordEncoder())
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(app.router.lifespan_context(app))
        for number in range(engines):
            member = Member(tokenizer, tmp_path / f"engine-{number}", app)
            router.members.append(member)
            await stack.enter_async_context(running(member.agent))
        await asyncio.wait_for(app.state.service.settled(), 60)
        inside = httpx.ASGITransport(app=app)
        yield await stack.enter_async_context(httpx.AsyncClient(transport=inside, base_url="http://localhost")), router, app


def asked(question: str) -> dict[str, Any]:
    return {"model": "fake", "messages": [{"role": "user", "content": question}]}


async def test_a_target_is_enforced_on_every_engine_before_the_answer(
    settings: Settings, tokenizer: PreTrainedTokenizerFast, tmp_path: Path, few_prompts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with fleet(settings, tokenizer, tmp_path, monkeypatch) as (client, router, app):
        assert (await client.get("/ready")).status_code == 200
        await until(lambda: all(member.door.open for member in router.members))
        for number in range(10):
            target = {
                "id": f"t{number}",
                "name": f"Name Number{number}",
                "phrases": [{"text": f"Fact {number}", "scope": "gated"}],
            }
            assert (await client.post("/v1/forget-targets", json=target)).status_code == 201
            snapshot = app.state.service.running.screener.snapshot
            wanted = {*snapshot.always, *snapshot.gated.values()}
            assert all(wanted <= set(member.engine.loaded) for member in router.members)
            answer = await client.post("/v1/chat/completions", json=asked("What is a good cake?"))
            # What the engine was sent, it held: an engine that lacks a restriction says nothing.
            assert answer.json()["choices"][0]["message"]["content"] == "cake"
        policy = (await client.get("/v1/policy")).json()
        assert [worker["acknowledged"] for worker in policy["workers"]] == [True, True]
        assert len(policy["engines"]) == 2
        assert len(policy["peers"]) == 1
        assert {len(member.engine.bodies) > 5 for member in router.members} == {True}


async def test_a_new_engine_takes_requests_only_when_it_is_current(
    settings: Settings, tokenizer: PreTrainedTokenizerFast, tmp_path: Path, few_prompts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with fleet(settings, tokenizer, tmp_path, monkeypatch, engines=1) as (client, router, app):
        late = Member(tokenizer, tmp_path / "late", app)
        late.cable.answers = lambda path: b"" if "/restrictions/" in path else None  # it cannot fetch anything
        router.members.append(late)
        async with running(late.agent):
            await asyncio.sleep(0.5)
            assert not late.door.open
            # Nobody waits for it either.
            target = {"id": "t", "name": "Some Body"}
            assert (await client.post("/v1/forget-targets", json=target)).status_code == 201
            late.cable.answers = lambda _: None
            await until(lambda: late.door.open)
            snapshot = app.state.service.running.screener.snapshot
            assert {*snapshot.always, *snapshot.gated.values()} <= set(late.engine.loaded)


async def test_an_add_waits_for_an_engine_that_is_cut_off_no_longer_than_for_its_lease(
    settings: Settings, tokenizer: PreTrainedTokenizerFast, tmp_path: Path, few_prompts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.fleet.routes.LEASE_S", 1.5)
    async with fleet(settings, tokenizer, tmp_path, monkeypatch) as (client, router, _):
        await until(lambda: all(member.door.open for member in router.members))
        cut, other = router.members
        cut.cable.cut = True
        adding = asyncio.create_task(client.post("/v1/forget-targets", json={"id": "t", "name": "Some Body"}))
        await asyncio.sleep(0.3)
        assert not adding.done()
        assert (await asyncio.wait_for(adding, 3)).status_code == 201
        # When the answer came, the engine had shut itself: it can no longer say what is forgotten.
        assert not cut.door.open
        assert other.door.open
        assert (await client.post("/v1/chat/completions", json=asked("What is a good cake?"))).status_code == 200


async def test_without_any_engine_requests_are_503_and_the_server_is_not_ready(
    settings: Settings, tokenizer: PreTrainedTokenizerFast, tmp_path: Path, few_prompts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.fleet.routes.LEASE_S", 0.5)
    monkeypatch.setattr("server.engine.remote.LEASE_S", 0.5)
    async with fleet(settings, tokenizer, tmp_path, monkeypatch, engines=1) as (client, router, _):
        router.members[0].cable.cut = True
        await until(lambda: not router.members[0].door.open)
        answer = await client.post("/v1/chat/completions", json=asked("What is a good cake?"))
        assert answer.status_code == 503
        assert "not in service" in answer.json()["error"]["message"]

        async def unready() -> bool:
            return (await client.get("/ready")).status_code == 503

        await until(unready)
        router.members[0].cable.cut = False
        await until(lambda: router.members[0].door.open)
        assert (await client.post("/v1/chat/completions", json=asked("What is a good cake?"))).status_code == 200
