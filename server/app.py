"""The application: its routes, its start and its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.requests import Request
from starlette.routing import Route

from server import api, errors
from server.encoders import OpenEncoder, open_sentence_encoder
from server.engine.protocol import OpenEngine, json_of, request
from server.engine.vllm import open_vllm
from server.http import envelope
from server.http.draining import DrainGate
from server.http.requestid import RequestId
from server.openai.chat import CHAT
from server.openai.completions import COMPLETIONS
from server.openai.models import listed
from server.openai.route import DECISION_HEADER, GuardedRoute
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
    created = int(time.time())
    api.install(app, lambda: service.api)
    for dialect in DIALECTS:
        app.router.routes.append(Route(dialect.path, GuardedRoute(service, dialect), methods=["POST"]))

    @app.get("/v1/models")
    async def models(request_: Request) -> Response:
        await service.authenticator.admit(request_.scope, "client")
        return JSONResponse(listed(await json_of(service.running.engine.app, "GET", "/v1/models"), created))

    @app.get("/health")
    async def health() -> Response:
        return JSONResponse({"status": "alive"})

    @app.get("/ready")
    async def ready() -> Response:
        service.draining.check()
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
    async def metrics(request_: Request) -> Response:
        # The counters move with each request, so they tell who is asked about.
        if not settings.metrics_open:
            await service.authenticator.admit(request_.scope, "auditor")
        own = service.metrics.text()
        engine = await request(service.running.engine.app, "GET", "/metrics")
        return PlainTextResponse(own + engine.content, media_type="text/plain; version=0.0.4")

    app.add_middleware(DrainGate, draining=service.draining)
    envelope.install(app)
    app.add_middleware(RequestId, metrics=service.metrics)
    if settings.allowed_origins:
        # The outermost, so that a page can read errors, too. A key travels in a header of its own, so no cookies are allowed.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["x-request-id", DECISION_HEADER, "retry-after", "etag", "location"],
        )
    return app
