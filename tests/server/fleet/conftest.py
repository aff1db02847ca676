"""A fleet without vLLM: engines that obey restrictions word by word, and a front end's routes in front of a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from transformers import PreTrainedTokenizerFast

from guard.phrase import Phrase
from guard.processors.tokenizer import vocabulary_from
from guard.restriction import SUFFIX, Restriction
from guard.tokens.cache import digest_of
from server.engine.described import VLLM, Described, describe
from server.engine.remote import Engines
from server.fleet.client import FrontEnds
from server.fleet.options import Options
from server.fleet.routes import install
from server.http import envelope
from server.store import Database, Fleet, StoredPeer
from tests.server.fakes import FakeEngine

TOKEN = "the-token-of-the-fleet"
END = 6


class LeasedEngine(FakeEngine):
    """An engine of a fleet: it notes for how long its workers were opened."""

    version = VLLM

    def __init__(self, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
        super().__init__(vocabulary_from(tokenizer, FakeEngine.vocabulary), folder)
        folder.mkdir(exist_ok=True)
        self.opened: list[float] = []
        self.suppressed_tokens = 0

    async def open_for(self, seconds: float) -> None:
        self.opened.append(seconds)

    async def total(self) -> int:
        found, self.suppressed_tokens = self.suppressed_tokens, 0
        return found

    @property
    def about(self) -> Described:
        return describe(self, ["fake"], digest_of(self.said), {END})


@pytest.fixture
def engine(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> LeasedEngine:
    return LeasedEngine(tokenizer, tmp_path / "engine")


class Admitting(Engines):
    """Engines of a front end that refuses them for a `reason`, None: it lets them in."""

    reason: str | None = None
    saw: Sequence[StoredPeer] = ()

    async def mismatch(self, engine: Described, serving: Sequence[StoredPeer]) -> str | None:
        self.saw = serving
        return self.reason


@pytest.fixture
def engines() -> Admitting:
    return Admitting()


@pytest.fixture
def front(database: Database, engines: Admitting) -> FastAPI:
    """A front end's routes."""
    app = FastAPI()
    install(app, lambda: database, engines, TOKEN)
    envelope.install(app)
    return app


@pytest.fixture
async def fronts(front: FastAPI) -> AsyncIterator[FrontEnds]:
    """The front end as an engine sees it."""
    fronts = fronts_of(front)
    yield fronts
    await fronts.close()


def fronts_of(app: Any, token: str = TOKEN) -> FrontEnds:
    return FrontEnds(Options("http://front", token), httpx.ASGITransport(app=app))


def restriction(word: str) -> Restriction:
    return Restriction.compile([Phrase(word)])


async def needed(database: Database, folder: Path, owner: str, *words: str) -> list[str]:
    """Have a front end need restrictions of these words, and return their digests."""
    made = [restriction(word) for word in words]
    for each in made:
        each.save(folder)
    files = {each.digest: (folder / (each.digest + SUFFIX)).read_bytes() for each in made}
    async with database.write() as session:
        await Fleet().require(session, owner, list(files), files)
    return list(files)
