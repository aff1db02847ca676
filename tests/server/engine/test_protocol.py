"""Calls from within the process, to the engine's application and to the whole server."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI

from evaluation.answers.asking import ask_all, body_of
from evaluation.speed.bench import bodies, tokens_per_second
from server.engine.protocol import json_of, served_model
from server.errors import EngineFailure
from server.store.columns import utc_now
from server.store.keys import Keys
from tests.server.fakes import FakeEngine

CHAT: dict[str, Any] = {"model": "fake", "messages": [{"role": "user", "content": "Who invites Alice to a tea party?"}]}


async def _started(app: FastAPI) -> None:
    await app.state.service.settled()


async def test_measurements_reach_the_whole_server(app: FastAPI, engine: FakeEngine) -> None:
    async with app.router.lifespan_context(app):
        await _started(app)
        engine.bodies.clear()
        asked = [body_of("fake", text, 80) for text in ("Who invites Alice to a tea party?", "What is a good cake?")]
        said = await ask_all(app, asked, "guarded")
        rate = await tokens_per_second(app, bodies(["What is a good cake?"], "fake", None)[:3])
    assert len(said) == 2
    assert rate > 0
    # The engine was asked by the server, with the restrictions that the server found, and not past it.
    assert len(engine.bodies) == 5
    assert [bool(body["vllm_xargs"]["guard"]) for body in engine.bodies].count(True) >= 1


async def test_with_keys_a_call_from_within_needs_one_too(app: FastAPI) -> None:
    async with app.router.lifespan_context(app):
        await _started(app)
        service = app.state.service
        assert await served_model(app) == "fake"
        async with service.database.write() as session:
            await Keys().create(session, "client", "somebody's", utc_now())
        service.authenticator.changed()
        with pytest.raises(EngineFailure, match="401"):
            await json_of(app, "POST", "/v1/chat/completions", CHAT)
        assert await served_model(service.running.engine.app) == "fake"
