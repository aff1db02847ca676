"""A fleet as one engine: a load waits for every engine that serves, and for no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from transformers import PreTrainedTokenizerFast

from guard.processors.tokenizer import vocabulary_from
from guard.tokens.cache import digest_of
from server.engine.described import VLLM, Described, describe
from server.engine.protocol import request
from server.engine.remote import Engines, RemoteEngine, read_tokenizer
from server.engine.upstream import Upstream
from server.errors import EngineFailure, NotReady
from server.settings import Settings
from server.store import Database, Fleet, Peers
from server.store.peers import ENGINE, JOINING
from tests.conftest import copied
from tests.server.fakes import FakeEngine
from tests.server.fleet.conftest import END, restriction

WIDTH = FakeEngine.vocabulary


@pytest.fixture
def about(tokenizer: PreTrainedTokenizerFast) -> Described:
    engine = FakeEngine()
    engine.version = VLLM  # type: ignore[misc]
    return describe(engine, ["fake"], digest_of(vocabulary_from(tokenizer, WIDTH)), {END})


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path, tokenizer: PreTrainedTokenizerFast) -> Settings:
    copied(sqlite_template, tmp_path / "data" / "guard.db")
    (tmp_path / "data" / "restrictions").mkdir()
    return Settings(
        model="fake", data_dir=tmp_path / "data", upstream="http://router", tokenizer=tokenizer.name_or_path, load_timeout=0.5
    )


class Router:
    """A router, as far as a front end sees it: the status of each path."""

    def __init__(self) -> None:
        self.status: dict[str, int] = {}

    def __call__(self, asked: httpx.Request) -> httpx.Response:
        return httpx.Response(self.status.get(asked.url.path, 200))


@pytest.fixture(autouse=True)
def router(monkeypatch: pytest.MonkeyPatch) -> Router:
    made = Router()
    monkeypatch.setattr("server.engine.remote.Upstream", lambda url, key: Upstream(url, key, httpx.MockTransport(made)))
    return made


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Database]:
    database = await Database.open(f"sqlite:///{settings.data_dir / 'guard.db'}")
    yield database
    await database.close()


async def join(database: Database, name: str, about: Described, kind: str = ENGINE, lease_s: float = 60.0) -> None:
    async with database.write() as session:
        await Peers().register(session, name, await database.now(session), lease_s, kind=kind, about=about.told())


async def over(database: Database, name: str, about: Described) -> None:
    """End the lease of an engine. Then nobody waits for it."""
    await join(database, name, about, lease_s=0.0)


async def acknowledge(database: Database, name: str) -> None:
    async with database.write() as session:
        await Peers().acknowledge(session, name, await Fleet().revision(session), await database.now(session))


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[RemoteEngine]:
    async with Engines().open(settings) as engine:
        yield engine


def stored(settings: Settings, *words: str) -> list[str]:
    for word in words:
        restriction(word).save(settings.restrictions)
    return [restriction(word).digest for word in words]


@pytest.mark.slow
async def test_it_opens_when_the_first_engine_serves_and_the_router_knows_one(
    settings: Settings, store: Database, about: Described, router: Router
) -> None:
    router.status["/v1/models"] = 503
    await join(store, "joining", about, JOINING)
    fleet = opened(settings)
    opening = asyncio.ensure_future(fleet.__aenter__())
    await asyncio.sleep(0.5)
    assert not opening.done()
    await join(store, "serving", about)
    await asyncio.sleep(0.5)
    assert not opening.done()
    router.status["/v1/models"] = 200
    engine = await asyncio.wait_for(opening, 60)  # the first use of transformers takes seconds
    await fleet.__aexit__(None, None, None)
    assert (engine.dead_end, engine.vocabulary, engine.context_length) == (about.dead_end, WIDTH, about.context_length)
    assert engine.tells_hits
    assert engine.developer
    assert engine.version == VLLM
    assert digest_of(engine.tokens()) == about.vocabulary


async def test_it_gives_up_when_the_server_is_to_stop(settings: Settings) -> None:
    engines = Engines()
    engines.stop()
    with pytest.raises(EngineFailure, match="no engine of the fleet serves"):
        async with engines.open(settings):
            pass


async def test_an_engine_that_another_front_end_let_in_must_match_this_one_too(
    settings: Settings, store: Database, about: Described
) -> None:
    await join(store, "other", about)
    with pytest.raises(EngineFailure, match="engine other cannot be used: it serves fake, and the front end m"):
        async with Engines().open(settings.model_copy(update={"model": "m"})):
            pass


async def test_a_load_waits_for_all_engines_that_serve_and_for_no_other(
    settings: Settings, store: Database, about: Described
) -> None:
    await join(store, "a", about)
    async with opened(settings) as engine:
        await join(store, "b", about)
        await join(store, "joining", about, JOINING)
        await join(store, "dead", about, lease_s=0.0)
        digests = stored(settings, "tea", "cake")
        loading = asyncio.create_task(engine.load(digests))
        await asyncio.sleep(0.1)
        await acknowledge(store, "a")
        await asyncio.sleep(0.1)
        assert not loading.done()
        assert sorted(await engine.held(digests)) == [0, 2]
        await acknowledge(store, "b")
        await asyncio.wait_for(loading, 10)
        assert await engine.held(digests) == [2, 2]
        async with store.read() as session:
            assert sorted((await Fleet().changes(session, 0)).needed) == sorted(digests)
            assert await Fleet().file(session, digests[0]) == (settings.restrictions / f"{digests[0]}.safetensors").read_bytes()


async def test_a_load_does_not_wait_for_an_engine_that_dies_meanwhile(
    settings: Settings, store: Database, about: Described
) -> None:
    await join(store, "a", about)
    async with opened(settings) as engine:
        loading = asyncio.create_task(engine.load(stored(settings, "tea")))
        await asyncio.sleep(0.1)
        assert not loading.done()
        await join(store, "a", about, lease_s=0.1)
        await asyncio.wait_for(loading, 10)


async def test_an_engine_that_does_not_acknowledge_in_time_is_a_failure(
    settings: Settings, store: Database, about: Described
) -> None:
    await join(store, "slow", about)
    async with opened(settings) as engine:
        with pytest.raises(EngineFailure, match=r"1 engines did not load restrictions in 0.5 s: slow"):
            await engine.load(stored(settings, "tea"))


async def test_what_is_forgotten_is_told_to_engines_and_its_file_is_gone(
    settings: Settings, store: Database, about: Described
) -> None:
    await join(store, "a", about)
    async with opened(settings) as engine:
        await over(store, "a", about)
        tea, cake = stored(settings, "tea", "cake")
        await engine.load([tea, cake])
        async with store.read() as session:
            before = await Fleet().revision(session)
        await engine.forget([tea])
        async with store.read() as session:
            changes = await Fleet().changes(session, before)
            assert (changes.needed, changes.dropped) == ([], [tea])
            assert await Fleet().file(session, tea) is None


async def test_many_restrictions_go_in_batches(
    settings: Settings, store: Database, about: Described, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.engine.remote._MANY", 2)
    await join(store, "a", about)
    async with opened(settings) as engine:
        await over(store, "a", about)
        await engine.load(stored(settings, "tea", "cake", "hatter", "dodo", "hare"))
        async with store.read() as session:
            changes = await Fleet().changes(session, 0)
        assert (changes.revision, len(changes.needed)) == (3, 5)


async def test_when_it_closes_nothing_of_it_is_needed_any_more(settings: Settings, store: Database, about: Described) -> None:
    await join(store, "a", about)
    async with opened(settings) as engine:
        await over(store, "a", about)
        await engine.load(stored(settings, "tea"))
    async with store.read() as session:
        assert (await Fleet().changes(session, 0)).needed == []
        assert [peer.instance for peer in await Peers().all(session)] == ["a"]


async def test_a_front_end_that_the_store_has_forgotten_is_dead(
    settings: Settings, store: Database, about: Described, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.engine.remote.LEASE_S", 0.4)
    await join(store, "a", about)
    async with opened(settings) as engine:
        assert engine.alive
        async with store.write() as session:
            await Fleet().leave(session, engine._owner, await store.now(session))
        await asyncio.wait_for(engine.dead.wait(), 30)
        assert not engine.alive


@pytest.mark.slow
async def test_its_health_is_that_of_the_router_and_of_an_engine(
    settings: Settings, store: Database, about: Described, router: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.engine.remote.LEASE_S", 0.4)
    await join(store, "a", about, lease_s=1.0)
    async with opened(settings) as engine:
        assert (await request(engine.app, "GET", "/health")).status_code == 200
        router.status["/health"] = 503
        assert (await request(engine.app, "GET", "/health")).status_code == 503
        router.status = {"/v1/completions": 418}
        await asyncio.sleep(1.3)  # no engine serves any more
        assert (await request(engine.app, "GET", "/health")).status_code == 503
        assert (await request(engine.app, "GET", "/metrics")).content == b""
        assert (await request(engine.app, "POST", "/v1/completions", {})).status_code == 418
    assert await engine.suppressed(["gd-1"]) == {}


async def test_engines_wait_until_the_tokenizer_is_read(about: Described) -> None:
    with pytest.raises(NotReady):
        await Engines().mismatch(about, [])


def test_a_tokenizer_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"--tokenizer: .* cannot be read"):
        read_tokenizer(str(tmp_path / "none"))


def test_texts_are_read_as_the_model_reads_them(tokenizer: PreTrainedTokenizerFast) -> None:
    tokens: Any = read_tokenizer(tokenizer.name_or_path)
    assert digest_of(vocabulary_from(tokens, WIDTH)) == digest_of(vocabulary_from(tokenizer, WIDTH))
