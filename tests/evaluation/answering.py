"""Applications that stand in for an engine and a server, so that measurements can be tried without a model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import SimpleNamespace
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


def answering(says: Callable[[dict[str, Any]], str], bodies: list[dict[str, Any]] | None = None) -> Starlette:
    """Return an application that answers each chat with what `says` makes of its body; `bodies` keeps what was asked."""

    async def chat(request: Request) -> JSONResponse:
        body = await request.json()
        if bodies is not None:
            bodies.append(body)
        choice = {"message": {"role": "assistant", "content": says(body)}}
        return JSONResponse({"choices": [choice], "usage": {"completion_tokens": body["max_tokens"]}})

    return Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])


def question_of(body: dict[str, Any]) -> str:
    """Return the question that a chat ends with."""
    return str(body["messages"][-1]["content"])


def demo_server_of(app: Starlette, engine: Any) -> Callable[[str], AbstractAsyncContextManager[Starlette]]:
    """Return a replacement for `demo_server`: `app` with a service around `engine`, which has at least the attribute `app`."""
    screener = SimpleNamespace(snapshot=SimpleNamespace(always=["digest"]))
    running = SimpleNamespace(engine=engine, model="demo", screener=screener)
    app.state.service = SimpleNamespace(running=running, seconds={"engine": 2.0})

    @asynccontextmanager
    async def started(model: str) -> AsyncIterator[Starlette]:
        app.state.model = model
        yield app

    return started
