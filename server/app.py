"""The application: its routes, its start and its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import FastAPI, Path
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import PlainTextResponse, Response
from starlette.requests import Request
from starlette.routing import Route

from server import api, errors
from server.anthropic.counting import CountingRoute
from server.anthropic.dialect import COUNT_TOKENS, MESSAGES
from server.anthropic.errors import PREFIX
from server.anthropic.errors import envelope as anthropic_envelope
from server.api.base import ERRORS, ErrorEnvelope
from server.encoders import OpenEncoder, open_sentence_encoder
from server.engine.protocol import OpenEngine, json_of, request
from server.engine.remote import Engines
from server.engine.vllm import open_vllm
from server.fleet import routes as fleet
from server.http import envelope
from server.http.apidocs import install as install_docs
from server.http.draining import DrainGate
from server.http.head import Head
from server.http.requestid import RequestId
from server.openai.chat import CHAT
from server.openai.completions import COMPLETIONS
from server.openai.embeddings import PATH as EMBEDDINGS
from server.openai.embeddings import no_embeddings
from server.openai.models import Model, ModelList, listed, one
from server.openai.responses.dialect import RESPONSES
from server.openai.route import DECISION_HEADER, GuardedRoute
from server.service import Service
from server.settings import Settings

DIALECTS = (CHAT, COMPLETIONS, RESPONSES, MESSAGES)
"""The routes that generate."""


def create_app(
    settings: Settings, open_engine: OpenEngine | None = None, open_encoder: OpenEncoder = open_sentence_encoder
) -> FastAPI:
    """Return the server as an ASGI application; its service is `app.state.service`.

    It serves while it starts: /health answers at once, and all other routes answer with status 503 until the startup proof has
    succeeded. `open_engine` opens the engine that the settings name if it is None: vLLM here, or a fleet.

    Raises:
        PolicyError: The policy cannot be loaded.
        ValueError: The settings ask for /docs, and the files for it are missing; or for a fleet, and its token cannot be read.
    """
    engines = Engines() if settings.upstream else None
    service = Service(settings, open_engine or (engines.open if engines else open_vllm), open_encoder)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        running = asyncio.create_task(service.run())
        try:
            yield
        finally:
            # Code that embeds the application may raise. Without a stop the service would start its engine again for ever.
            service.stop()
            if engines:
                engines.stop()
            await running

    # There are no other paths: vLLM's other routes and FastAPI's own pages of documentation answer 404.
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
    app.router.routes.append(Route(COUNT_TOKENS.path, CountingRoute(service, COUNT_TOKENS), methods=["POST"]))

    async def models_of(request_: Request) -> dict[str, Any]:
        await service.authenticator.admit(request_.scope, "client")
        return await json_of(service.running.engine.app, "GET", "/v1/models")

    secured: dict[str, Any] = {"openapi_extra": {"security": [{"HTTPBearer": []}]}}
    keyed: dict[str, Any] = {"tags": ["models"], "responses": {**ERRORS}, **secured}
    open_: dict[str, Any] = {"tags": ["operation"], "responses": {**ERRORS}}

    @app.get("/v1/models", summary="List the models", response_model=ModelList, **keyed)
    async def models(request_: Request) -> dict[str, Any]:
        return listed(await models_of(request_), created)

    # The name of a model may have slashes in it.
    @app.get("/v1/models/{id:path}", summary="Show a model", response_model=Model, **keyed)
    async def model(request_: Request, name: Annotated[str, Path(alias="id")]) -> dict[str, Any]:
        return one(await models_of(request_), created, name)

    @app.post(EMBEDDINGS, summary="Embed texts (400: no model that embeds is served)", **keyed)
    async def embeddings(request_: Request) -> None:
        await service.authenticator.admit(request_.scope, "client")
        raise no_embeddings()

    @app.get("/health", summary="Whether the process is alive", **open_)
    async def health() -> dict[str, str]:
        return {"status": "alive"}

    not_ready = {"model": ErrorEnvelope, "description": "The server starts or stops, or the guard is not proven yet"}

    @app.get("/ready", summary="Whether requests are answered", **open_ | {"responses": {503: not_ready, **ERRORS}})
    async def ready() -> dict[str, str]:
        service.draining.check()
        if await service.ready():
            return {"status": "ready"}
        raise errors.NotReady(
            "The server is not ready: the engine has not started, or the startup proof has not succeeded yet. Try again later."
        )

    @app.get("/openapi.json", summary="This description", **open_)
    async def openapi() -> dict[str, Any]:
        return api.document(app, (*DIALECTS, COUNT_TOKENS), drops=settings.unknown_fields == "drop")

    @app.get("/version", summary="The versions of the server and of vLLM", **open_)
    async def versions() -> dict[str, str]:
        return {"version": version("guard-server"), "vllm": service.running.engine.version}

    plain = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **ERRORS}

    @app.get("/metrics", summary="Metrics for Prometheus", response_class=Response, **open_ | secured | {"responses": plain})
    async def metrics(request_: Request) -> Response:
        # The counters move with each request, so they tell who is asked about.
        if not settings.metrics_open:
            await service.authenticator.admit(request_.scope, "auditor")
        own = service.metrics.text()
        engine = await request(service.running.engine.app, "GET", "/metrics")
        return PlainTextResponse(own + engine.content, media_type="text/plain; version=0.0.4")

    if engines:
        fleet.install(app, lambda: service.database, engines, settings.engine_token())
    if settings.docs:
        install_docs(app)
    app.add_middleware(DrainGate, draining=service.draining)
    envelope.install(app, {PREFIX: anthropic_envelope})
    app.add_middleware(Head)
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
