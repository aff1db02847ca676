"""The API alone, on a store and an engine that only notes what it is told to load."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from classifiers.live import LiveClassifier
from classifiers.meaning.background import Background, full_background
from classifiers.meaning.neighbours import Neighbours
from server.api import install
from server.errors import EngineFailure, NotReady
from server.http import envelope
from server.http.authentication import Authenticator
from server.http.body import BodyLimits
from server.metrics import Metrics
from server.policy.activation import Activation
from server.policy.enforcement import Enforcement
from server.running import ApiContext
from server.screening.decisionlog import DecisionLog
from server.screening.lanes import Lanes
from server.store import Database, notifier_of
from server.store.audit.log import Audit
from server.store.columns import utc_now
from server.store.keys import Keys, Role
from tests.conftest import copied
from tests.server.fakes import FakeEngine, WordEncoder

BACKGROUND = ["What is a good cake?", "Who wrote Hamlet?", "How far is the moon?"]


class SmallEncoder(WordEncoder):
    """A WordEncoder with short vectors: what an index computes once a start is over at once."""

    dimension = 64


class StubbornEngine(FakeEngine):
    """A FakeEngine whose workers do not acknowledge while `refuses`."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses = False

    async def load(self, digests: Sequence[str]) -> None:
        if self.refuses:
            raise EngineFailure("a worker did not acknowledge")
        await super().load(digests)


@dataclass
class Served:
    """A running API and what is behind it."""

    app: FastAPI
    client: httpx.AsyncClient
    context: ApiContext
    engine: StubbornEngine
    headers: dict[str, dict[str, str]] = field(default_factory=dict)

    async def create(self, **fields: Any) -> dict[str, Any]:
        """Make a target, and return it as it is answered."""
        response = await self.client.post("/v1/forget-targets", json={"id": "hatter", "name": "Mad Hatter"} | fields)
        assert response.status_code == 201, response.text
        created: dict[str, Any] = response.json()
        return created

    async def verdict(self, text: str) -> str:
        """Return what is done with a request that holds `text`."""
        return str((await self.client.post("/v1/screen", json={"text": text})).json()["verdict"])

    async def key(self, role: Role) -> dict[str, str]:
        """Make a key, and return the header that shows it. From the first on, requests without one are refused."""
        async with self.context.database.write() as session:
            _, text = await Keys().create(session, role, role, utc_now())
        self.context.authenticator.changed()
        return {"authorization": f"Bearer {text}"}

    async def records(self, **filters: Any) -> list[dict[str, Any]]:
        """Return records of the audit log, newest first."""
        data: list[dict[str, Any]] = (await self.client.get("/v1/audit", params=filters)).json()["data"]
        return data


def application(provider: Any) -> FastAPI:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    install(app, provider)
    envelope.install(app)
    return app


@cache
def encoded_background() -> Background:
    """The innocent prompts, encoded once: that takes a second, and nothing changes them."""
    return Background(full_background(BACKGROUND), SmallEncoder())


@asynccontextmanager
async def behind(url: str, folder: Path, engine: FakeEngine) -> AsyncIterator[ApiContext]:
    """Give the context of a server on the store at `url`."""
    database = await Database.open(url)
    encoder = SmallEncoder()
    audit = Audit()
    restrictions = folder / "restrictions"
    restrictions.mkdir(parents=True, exist_ok=True)
    with Lanes() as lanes:
        enforcement = Enforcement(engine, Neighbours(encoder), lanes, restrictions, Metrics())
        await enforcement.start([], LiveClassifier([], encoded_background(), encoder))
        activation = Activation(database, notifier_of(database), enforcement, "one", timeout_s=5, audit=audit)
        await activation.start({})
        yield ApiContext(
            database,
            activation,
            Authenticator(lambda: database),
            audit,
            encoder,
            restrictions,
            DecisionLog(database, audit, engine),
            background=encoded_background(),
            limits=BodyLimits(bytes=2**20),
        )
        await activation.stop()
    await database.close()


@contextmanager
def listening(folder: Path, engine: FakeEngine) -> Iterator[tuple[str, ApiContext, asyncio.AbstractEventLoop]]:
    """Give the address of an API that is really served, by uvicorn in a thread, what is behind it, and the thread's loop."""
    running: list[tuple[ApiContext, asyncio.AbstractEventLoop]] = []
    app = application(lambda: running[0][0])
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))

    async def serve() -> None:
        async with behind(f"sqlite:///{folder}/store.db", folder, engine) as context:
            running.append((replace(context, limits=BodyLimits()), asyncio.get_running_loop()))
            await server.serve()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        thread.join(0.05)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", *running[0]
    finally:
        server.should_exit = True
        thread.join(30)


@pytest.fixture
def store_url(tmp_path: Path, sqlite_template: Path) -> str:
    return f"sqlite:///{copied(sqlite_template, tmp_path / 'store.db')}"


@pytest.fixture
async def served(store_url: str, tmp_path: Path) -> AsyncIterator[Served]:
    engine = StubbornEngine()
    async with behind(store_url, tmp_path, engine) as context:
        app = application(lambda: context)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield Served(app, client, context, engine)


@pytest.fixture
async def starting() -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server that is not ready."""

    def provider() -> ApiContext:
        raise NotReady("starting")

    transport = httpx.ASGITransport(app=application(provider))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client
