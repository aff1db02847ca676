"""Snapshots: numbers that only rise, and at most one in force."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select, text

from server.store import Database, SnapshotConflict, Snapshots, StoreError, StoreUnavailable
from server.store.snapshots import SNAPSHOTS

snapshots = Snapshots()


async def _propose(database: Database, digest: str = "d") -> int:
    async with database.write() as session:
        return (await snapshots.propose(session, digest, reason="test")).number


async def _activate(database: Database, number: int) -> None:
    async with database.write() as session:
        await snapshots.activate(session, number)


async def _state(database: Database, number: int) -> str:
    async with database.read() as session:
        return str((await session.execute(select(SNAPSHOTS.c.state).where(SNAPSHOTS.c.number == number))).scalar_one())


async def test_nothing_is_in_force_at_first(database: Database) -> None:
    async with database.read() as session:
        assert await snapshots.active(session) is None
        assert await snapshots.latest(session) is None


async def test_a_restart_finds_what_was_in_force(database: Database, store_url: str) -> None:
    await _activate(database, await _propose(database, "one"))
    await _activate(database, await _propose(database, "two"))
    proposed = await _propose(database, "three")
    await database.close()
    again = await Database.open(store_url)
    async with again.read() as session:
        active, latest = await snapshots.active(session), await snapshots.latest(session)
    before = await _state(again, 1)
    assert active is not None
    assert (active.number, active.digest, active.reason) == (2, "two", "test")
    assert active.activated_at is not None
    assert latest is not None
    assert (latest.number, latest.state) == (proposed, "proposed")
    assert before == "superseded"
    await again.close()


async def test_only_a_proposal_is_put_in_force_or_given_up(database: Database) -> None:
    first, second, third = [await _propose(database) for _ in range(3)]
    async with database.write() as session:
        await snapshots.fail(session, third, "a worker did not acknowledge")
    await _activate(database, second)
    for number in (first, second, third, 99):
        with pytest.raises(SnapshotConflict):
            await _activate(database, number)
        with pytest.raises(SnapshotConflict):
            async with database.write() as session:
                await snapshots.fail(session, number, "late")
    assert [await _state(database, number) for number in (first, second, third)] == ["failed", "active", "failed"]
    assert await _propose(database) == 4


async def test_the_database_itself_refuses_two_in_force(database: Database) -> None:
    await _propose(database)
    await _propose(database)
    with pytest.raises(StoreError) as caught:
        async with database.write() as session:
            await session.execute(text("UPDATE snapshots SET state = 'active'"))
    assert not isinstance(caught.value, StoreUnavailable)


async def test_proposers_get_numbers_of_their_own(database: Database, store_url: str) -> None:
    other = await Database.open(store_url)
    numbers = await asyncio.gather(*(_propose(one) for one in (database, other) for _ in range(10)))
    assert sorted(numbers) == list(range(1, 21))
    await other.close()
