from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from fastapi import FastAPI

from evaluation.demo import POLICY, server
from evaluation.demo.served import ENGINE
from server.settings import Settings


async def test_the_server_is_settled_before_and_gone_after(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    made: list[Settings] = []

    def create_app(settings: Settings) -> FastAPI:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            seen.append("started")
            yield
            seen.append("stopped")

        async def settled() -> None:
            seen.append("settled")

        made.append(settings)
        app = FastAPI(lifespan=lifespan)
        app.state.service = SimpleNamespace(settled=settled)
        return app

    monkeypatch.setattr(server, "create_app", create_app)
    async with server.demo_server("/models/demo") as app:
        assert seen == ["started", "settled"]
        assert app.state.service.settled
        (settings,) = made
        assert (settings.model, settings.policy, settings.vllm_args) == ("/models/demo", POLICY, ENGINE)
        assert settings.data_dir.is_dir()
    assert seen == ["started", "settled", "stopped"]
    assert not settings.data_dir.exists()
