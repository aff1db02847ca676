"""The agent: an engine serves only while it is proven, current, and in possession of its lease."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from guard.restriction import SUFFIX
from server.fleet.agent import SUPPRESSED, Agent
from server.fleet.client import FrontEnds
from server.fleet.door import Door
from server.store import Database, Fleet, Peers
from server.store.peers import ENGINE
from tests.server.fleet.conftest import Admitting, LeasedEngine, fronts_of, needed, restriction


class Cable:
    """The network between an engine and its front end, which can be cut."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.cut = False
        self.answers: Callable[[str], bytes | None] = lambda _: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.cut:
            raise httpx.ConnectError("cut")
        if (instead := self.answers(scope["path"])) is not None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": instead})
            return
        await self.app(scope, receive, send)


@pytest.fixture
def cable(front: FastAPI) -> Cable:
    return Cable(front)


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
async def agent(cable: Cable, engine: LeasedEngine, door: Door) -> AsyncIterator[Agent]:
    fronts = fronts_of(cable)
    assert engine.folder
    yield Agent(engine, fronts, door, engine.folder, engine.about, pause_s=0.05)
    await fronts.close()


@asynccontextmanager
async def running(agent: Agent) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(agent.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(true: Callable[[], bool | Awaitable[bool]], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while True:
            found = true()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.01)


async def serving(database: Database) -> list[int]:
    """Return the revision of each engine that serves."""
    async with database.read() as session:
        return [peer.snapshot for peer in await Peers().living(session, ENGINE, await database.now(session))]


async def test_an_engine_opens_when_it_holds_everything(
    agent: Agent, engine: LeasedEngine, door: Door, database: Database, tmp_path: Path
) -> None:
    digests = await needed(database, tmp_path, "front", "tea", "cake")
    async with running(agent):
        await until(lambda: door.open)
        assert sorted(engine.loaded) == sorted(digests)
        assert await serving(database) == [1]
        # Open for the proof, shut after it, and then open for a lease more than the door at the most.
        proof, shut, served = engine.opened[:3]
        assert (proof > 20, shut, 10 < served <= 20) == (True, 0, True)
    # When it stops, the door is shut, the workers too, and nobody waits for it.
    assert not door.open
    assert engine.opened[-1] == 0
    assert await serving(database) == []


async def test_it_follows_each_change_and_says_so(
    agent: Agent, engine: LeasedEngine, door: Door, database: Database, engines: Admitting, tmp_path: Path
) -> None:
    (tea,) = await needed(database, tmp_path, "front", "tea")
    async with running(agent):
        await until(lambda: door.open)
        (cake,) = await needed(database, tmp_path, "front", "cake")
        engines.changed()
        await until(lambda: _is(serving(database), [2]))
        assert sorted(engine.loaded) == sorted([tea, cake])
        assert engine.folder
        async with database.write() as session:
            await Fleet().drop(session, "front", [tea], await database.now(session))
        engines.changed()
        await until(lambda: _is(serving(database), [3]))
        assert engine.loaded == [cake]
        assert [file.name for file in engine.folder.iterdir()] == [cake + SUFFIX]


async def _is(found: Awaitable[Any], expected: Any) -> bool:
    return bool(await found == expected)


@pytest.mark.slow
async def test_an_engine_that_is_cut_off_shuts_itself_when_its_lease_ends_and_joins_anew_later(
    agent: Agent, engine: LeasedEngine, door: Door, cable: Cable, database: Database, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("server.fleet.routes.LEASE_S", 0.6)
    await needed(database, tmp_path, "front", "tea")
    async with running(agent):
        await until(lambda: door.open)
        await asyncio.sleep(1.0)  # it lasts longer than one lease, because it is renewed
        assert door.open
        cable.cut = True
        cut = asyncio.get_running_loop().time()
        await until(lambda: not door.open)
        assert asyncio.get_running_loop().time() - cut < 0.7
        # The store gives it up no earlier than it gives up itself.
        await until(lambda: engine.opened[-1] == 0)
        assert all(seconds <= 1.2 for seconds in engine.opened if seconds < 10)
        await until(lambda: _is(serving(database), []))
        (cake,) = await needed(database, tmp_path, "front", "cake")
        await asyncio.sleep(0.2)
        assert not door.open
        cable.cut = False
        await until(lambda: door.open)
        assert cake in engine.loaded
        assert await serving(database) == [2]


async def test_an_engine_that_does_not_obey_is_never_used(
    agent: Agent, engine: LeasedEngine, door: Door, database: Database
) -> None:
    engine.obeys = False
    async with running(agent):
        await asyncio.sleep(0.3)
        assert not door.open
        async with database.read() as session:
            assert await Peers().all(session) == []
        engine.obeys = True
        await until(lambda: door.open)


async def test_an_engine_that_is_refused_stays_shut(
    agent: Agent, engines: Admitting, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    engines.reason = "it runs another vLLM"
    async with running(agent):
        await until(lambda: "does not use this engine: This engine is not used: it runs another vLLM" in caplog.text)
        assert not door.open
        engines.reason = None
        await until(lambda: door.open)


async def test_what_is_not_what_its_name_says_is_not_loaded_and_the_engine_shuts(
    agent: Agent, engine: LeasedEngine, door: Door, cable: Cable, database: Database, tmp_path: Path, engines: Admitting
) -> None:
    await needed(database, tmp_path, "front", "tea")
    restriction("cake").save(tmp_path)
    other = (tmp_path / (restriction("cake").digest + SUFFIX)).read_bytes()
    async with running(agent):
        await until(lambda: door.open)
        digest = restriction("Hatter").digest
        cable.answers = lambda path: other if path.endswith(digest) else None
        await needed(database, tmp_path, "front", "Hatter")
        engines.changed()
        await until(lambda: not door.open)
        assert digest not in engine.loaded
        assert engine.folder
        assert not (engine.folder / (digest + SUFFIX)).exists()
        # Nobody waits for it, and it does not serve with less than it should hold.
        await until(lambda: _is(serving(database), []))
        cable.answers = lambda _: None
        await until(lambda: door.open)
        assert digest in engine.loaded


async def test_an_engine_that_cannot_load_shuts(
    agent: Agent, engine: LeasedEngine, door: Door, database: Database, tmp_path: Path, engines: Admitting, monkeypatch: Any
) -> None:
    async with running(agent):
        await until(lambda: door.open)

        async def fails(_: Any) -> None:
            raise RuntimeError("out of memory")

        monkeypatch.setattr(engine, "load", fails)
        await needed(database, tmp_path, "front", "tea")
        engines.changed()
        await until(lambda: not door.open)
        await until(lambda: _is(serving(database), []))


async def test_files_of_an_earlier_process_that_nobody_needs_are_removed(agent: Agent, engine: LeasedEngine, door: Door) -> None:
    assert engine.folder
    restriction("forgotten").save(engine.folder)
    async with running(agent):
        await until(lambda: door.open)
        assert list(engine.folder.iterdir()) == []


async def test_it_counts_what_is_suppressed(agent: Agent, engine: LeasedEngine, door: Door, monkeypatch: Any) -> None:
    monkeypatch.setattr("server.fleet.routes.LEASE_S", 0.4)
    before = SUPPRESSED._value.get()
    engine.suppressed_tokens = 3
    async with running(agent):
        await until(lambda: SUPPRESSED._value.get() == before + 3)


async def test_fronts_that_do_not_know_the_token_keep_it_shut(
    front: FastAPI, engine: LeasedEngine, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    assert engine.folder
    wrong: FrontEnds = fronts_of(front, "wrong")
    async with running(Agent(engine, wrong, door, engine.folder, engine.about, pause_s=0.05)):
        await until(lambda: "401" in caplog.text)
        assert not door.open
    await wrong.close()


@pytest.mark.slow
async def test_a_worker_that_is_busy_for_longer_than_a_lease_does_not_cost_it(
    agent: Agent, engine: LeasedEngine, door: Door, monkeypatch: Any
) -> None:
    monkeypatch.setattr("server.fleet.routes.LEASE_S", 0.4)
    async with running(agent):
        await until(lambda: door.open)

        async def slow() -> int:
            await asyncio.sleep(1.5)
            return 0

        monkeypatch.setattr(engine, "total", slow)
        for _ in range(100):
            await asyncio.sleep(0.01)
            assert door.open
