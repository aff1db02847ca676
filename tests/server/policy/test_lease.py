"""The lease: this process may answer while it lasts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from server.policy import lease as module
from server.policy.lease import Lease
from server.store import Database, Peers


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel a task, and wait until it has given its connection back: the database is closed after that."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def lease(database: Database) -> Lease:
    return Lease(database, "one")


@pytest.fixture
async def kept(lease: Lease, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[str]]:
    """A lease of a fifth of a second that is renewed; the list says how often it was lost."""
    monkeypatch.setattr(module, "LEASE_S", 0.2)
    lost: list[str] = []

    async def rejoin() -> None:
        lost.append(lease.instance)
        lease.begin(await lease.register())

    lease.begin(await lease.register())
    task = asyncio.create_task(lease.keep(rejoin))
    yield lost
    await ended(task)


async def instances(database: Database) -> list[str]:
    async with database.read() as session:
        return [peer.instance for peer in await Peers().all(session)]


async def test_registering_alone_lets_nothing_be_answered(lease: Lease, database: Database) -> None:
    await lease.register()
    assert not lease.lasts
    assert await instances(database) == ["one"]


async def test_it_lasts_until_it_is_over(lease: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    # The module's clock alone: a server that runs beside this test goes by the real one.
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
    lease.begin(now + 5)
    assert lease.lasts
    now += 5
    assert not lease.lasts


async def test_it_counts_from_before_it_was_asked_for(lease: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([1000.0, 1004.0, 1004.0])
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(times, 1004.0)))
    assert await lease.register() == 1000.0 + module.LEASE_S


@pytest.mark.slow
async def test_it_is_renewed(lease: Lease, kept: list[str]) -> None:
    await asyncio.sleep(0.5)
    assert lease.lasts
    assert kept == []


async def test_a_lease_that_is_old_when_it_begins_is_renewed_at_once(lease: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEASE_S", 10.0)
    # To take over the policy took longer than the lease lasts.
    lease.begin(await lease.register() - 11)
    task = asyncio.create_task(lease.keep(asyncio.Event().wait))  # type: ignore[arg-type]
    async with asyncio.timeout(2):
        while not lease.lasts:
            await asyncio.sleep(0.01)
    await ended(task)


async def test_a_lost_lease_is_over_until_the_process_is_back(lease: Lease, kept: list[str], database: Database) -> None:
    await lease.leave()
    async with asyncio.timeout(5):
        while not kept or not lease.lasts:
            await asyncio.sleep(0.01)
    assert await instances(database) == ["one"]


async def test_a_process_that_leaves_is_not_listed(lease: Lease, database: Database) -> None:
    await lease.register()
    await lease.leave()
    assert await instances(database) == []


async def test_a_renewal_has_the_next_turn(lease: Lease, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """It must not wait behind a queue of changes."""
    asked: asyncio.Queue[dict[str, bool]] = asyncio.Queue()
    write = database.write

    def watched(**options: bool) -> object:
        asked.put_nowait(options)
        return write(**options)

    monkeypatch.setattr(module, "LEASE_S", 0.2)
    lease.begin(await lease.register())
    monkeypatch.setattr(database, "write", watched)
    task = asyncio.create_task(lease.keep(lease.leave))
    try:
        assert await asyncio.wait_for(asked.get(), 5) == {"urgent": True}
    finally:
        await ended(task)
