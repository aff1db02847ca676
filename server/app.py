"""The application: its routes, its start and its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.requests import Request
from starlette.routing import Route

from server import api, errors
from server.encoders import OpenEncoder, open_sentence_encoder
from server.engine.protocol import OpenEngine, request
from server.engine.vllm import open_vllm
from server.http import envelope
from server.http.requestid import RequestId
from server.openai.chat import CHAT
from server.openai.completions import COMPLETIONS
from server.openai.route import GuardedRoute
from server.service import Service
from server.settings import Settings

DIALECTS = (CHAT, COMPLETIONS)
"""The routes that generate."""


def create_app(
    settings: Settings, open_engine: OpenEngine = open_vllm, open_encoder: OpenEncoder = open_sentence_encoder
) -> FastAPI:
    """Return the server as an ASGI application; its service is `app.state.service`.

    It serves while it starts: /health answers at once, and all other routes answer with status 503 until the startup proof has
    succeeded.

    Raises:
        PolicyError: The policy cannot be loaded.
    """
    service = Service(settings, open_engine, open_encoder)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        running = asyncio.create_task(service.run())
        yield
        service.stop()
        await running

    # There are no other paths: vLLM's other routes and FastAPI's pages of documentation answer 404.
    app = FastAPI(
        title="guard-server",
        version=version("guard-server"),
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    api.install(app, lambda: service.api)
    for dialect in DIALECTS:
        app.router.routes.append(Route(dialect.path, GuardedRoute(service, dialect), methods=["POST"]))

    @app.get("/v1/models")
    async def models(request_: Request) -> Response:
        await service.authenticator.admit(request_.scope, "client")
        answer = await request(service.running.engine.app, "GET", "/v1/models")
        return Response(answer.content, answer.status_code, media_type="application/json")

    @app.get("/health")
    async def health() -> Response:
        return JSONResponse({"status": "alive"})

    @app.get("/ready")
    async def ready() -> Response:
        if await service.ready():
            return JSONResponse({"status": "ready"})
        raise errors.NotReady(
            "The server is not ready: the engine has not started, or the startup proof has not succeeded yet. Try again later."
        )

    @app.get("/openapi.json")
    async def openapi() -> Response:
        return JSONResponse(api.document(app))

    @app.get("/version")
    async def versions() -> Response:
        return JSONResponse({"version": version("guard-server"), "vllm": service.running.engine.version})

    @app.get("/metrics")
    async def metrics() -> Response:
        own = service.metrics.text()
        engine = await request(service.running.engine.app, "GET", "/metrics")
        return PlainTextResponse(own + engine.content, media_type="text/plain; version=0.0.4")

    envelope.install(app)
    app.add_middleware(RequestId, metrics=service.metrics)
    return app
