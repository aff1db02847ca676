"""What repeats beside requests, on a store and with parts that only count."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from server import housekeeping as module
from server.housekeeping import Housekeeping
from server.settings import Settings
from server.store import Database, Peers, StoreUnavailable
from server.store.audit.log import Audit
from server.store.audit.record import AuditEvent
from server.store.columns import utc_now

LONG_AGO = Audit(now=lambda: utc_now() - timedelta(days=2))


class Part:
    """Stands for the decision log, the authenticator and recalibration: it counts calls, and fails while `error` is set."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.error: Exception | None = None

    async def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.error:
            raise self.error

    async def write(self) -> None:
        await self._called("write")

    async def end(self) -> None:
        await self._called("end")

    async def flush(self) -> None:
        await self._called("flush")

    async def learn(self) -> None:
        await self._called("learn")

    async def share(self) -> None:
        await self._called("share")

    async def run_once(self, enforcement: Any) -> None:
        await self._called(f"calibrate {enforcement}")


@pytest.fixture
def part() -> Part:
    return Part()


@pytest.fixture
def make(database: Database, part: Part, tmp_path: Path) -> Callable[..., Housekeeping]:
    def made(**settings: Any) -> Housekeeping:
        parts: Any = part
        enforcement: Any = "enforcement"
        known = Settings(model="fake", data_dir=tmp_path, **settings)
        return Housekeeping(known, database, Audit(), parts, parts, enforcement, parts, part.learn, parts)

    return made


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_WRITE_S", "_KEYS_S", "_PRUNE_S", "_LOOK_S"):
        monkeypatch.setattr(module, name, 0.01)


@pytest.fixture
async def started(make: Callable[..., Housekeeping]) -> AsyncIterator[Housekeeping]:
    housekeeping = make(audit_days=1)
    housekeeping.start()
    yield housekeeping
    await housekeeping.stop()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


async def instances(database: Database) -> list[str]:
    async with database.read() as session:
        return [peer.instance for peer in await Peers().all(session)]


@pytest.mark.parametrize("call", ["write", "flush", "learn", "calibrate enforcement"])
async def test_every_part_is_repeated(started: Housekeeping, part: Part, call: str) -> None:
    await until(lambda: part.calls.count(call) > 1)


async def test_at_the_end_what_waits_is_written(make: Callable[..., Housekeeping], part: Part) -> None:
    await make().stop()
    assert part.calls == ["end", "flush"]


async def test_a_store_that_fails_at_the_end_does_not_keep_the_server_from_stopping(
    make: Callable[..., Housekeeping], part: Part, caplog: pytest.LogCaptureFixture
) -> None:
    part.error = StoreUnavailable("the disk is full")
    await make().stop()
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2


async def test_a_failure_is_logged_once_and_tried_again(
    started: Housekeeping, part: Part, caplog: pytest.LogCaptureFixture
) -> None:
    part.error = StoreUnavailable("the disk is full")
    calls = part.calls.count("write")
    await until(lambda: part.calls.count("write") > calls + 2)
    assert [record.getMessage() for record in caplog.records if "decisions" in record.getMessage()] == [
        "decisions were not recorded yet: StoreUnavailable"
    ]


async def test_records_older_than_the_limit_are_pruned(database: Database, make: Callable[..., Housekeeping]) -> None:
    housekeeping = make(audit_days=1)
    async with database.write() as session:
        await LONG_AGO.append(session, AuditEvent("target.create", "cli"))
    await housekeeping._prune()
    async with database.read() as session:
        assert [record.action async for record in Audit().records(session)] == ["audit.prune"]


async def test_without_a_limit_nothing_is_pruned(database: Database, make: Callable[..., Housekeeping]) -> None:
    housekeeping = make()
    async with database.write() as session:
        await LONG_AGO.append(session, AuditEvent("target.create", "cli"))
    await housekeeping._prune()
    async with database.read() as session:
        assert [record.action async for record in Audit().records(session)] == ["target.create"]


async def test_processes_that_died_over_an_hour_ago_are_removed(database: Database, make: Callable[..., Housekeeping]) -> None:
    async with database.write() as session:
        now = await database.now(session)
        for name, ago in (("long dead", 61), ("just died", 59), ("alive", -1)):
            await Peers().register(session, name, now - timedelta(minutes=ago), 0.0)
    await make()._expire()
    assert await instances(database) == ["alive", "just died"]


async def test_limits_are_shared_only_where_the_store_may_be(make: Callable[..., Housekeeping], part: Part) -> None:
    await make()._share()
    assert part.calls == []
    await make(database="sqlite:///shared.db")._share()
    assert part.calls == ["share"]
