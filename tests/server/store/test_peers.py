"""Peers: who is waited for, and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from server.store import Database, LeaseLost, Peers

peers = Peers()


async def test_a_live_peer_is_waited_for_until_it_acknowledges(database: Database) -> None:
    async with database.write() as session:
        now = await database.now(session)
        for name in ("a", "b"):
            await peers.register(session, name, now, 10.0)
        assert await peers.waiting_for(session, 1, now, 10.0) == ["a", "b"]
        await peers.acknowledge(session, "a", 3, now)
        await peers.acknowledge(session, "a", 2, now)
        assert [await peers.waiting_for(session, number, now, 10.0) for number in (1, 3, 4)] == [["b"], ["b"], ["a", "b"]]
        await peers.leave(session, "b")
        assert await peers.waiting_for(session, 3, now, 10.0) == []


async def test_a_dead_peer_blocks_no_longer_than_its_lease(database: Database) -> None:
    async with database.write() as session:
        now = await database.now(session)
        await peers.register(session, "dead", now, 10.0)
        await peers.register(session, "alive", now, 10.0)
        later = now + timedelta(seconds=9)
        await peers.renew(session, "alive", later, 10.0)
        over = now + timedelta(seconds=10)
        assert await peers.waiting_for(session, 1, later, 10.0) == ["alive", "dead"]
        assert await peers.waiting_for(session, 1, over, 10.0) == ["alive"]
        # Waking up again, it learns that the others gave it up and did not wait for it.
        with pytest.raises(LeaseLost):
            await peers.renew(session, "dead", over, 10.0)
        with pytest.raises(LeaseLost):
            await peers.acknowledge(session, "dead", 1, over)
        assert await peers.expire(session, over) == ["dead"]
        assert [peer.instance for peer in await peers.all(session)] == ["alive"]
        await peers.register(session, "dead", over, 10.0, snapshot=1)
        assert await peers.waiting_for(session, 1, over, 10.0) == ["alive"]


async def test_the_clock_is_the_databases_and_has_a_zone(database: Database) -> None:
    async with database.read() as session:
        first, second = await database.now(session), await database.now(session)
    assert first <= second
    assert first.utcoffset() == timedelta(0)


async def test_a_dead_peer_blocks_no_longer_although_the_clock_goes_back(database: Database) -> None:
    async with database.write() as session:
        now = await database.now(session)
        await peers.register(session, "dead", now, 10.0)
        back = now - timedelta(hours=1)
        assert await peers.waiting_for(session, 1, back, 10.0) == ["dead"]
        assert await peers.waiting_for(session, 1, back + timedelta(seconds=9), 10.0) == ["dead"]
        assert await peers.waiting_for(session, 1, back + timedelta(seconds=10), 10.0) == []


async def test_a_live_peer_goes_on_when_the_clock_goes_back(database: Database) -> None:
    async with database.write() as session:
        now = await database.now(session)
        await peers.register(session, "alive", now, 10.0)
        back = now - timedelta(hours=1)
        await peers.renew(session, "alive", back, 10.0)
        assert await peers.waiting_for(session, 1, back + timedelta(seconds=9), 10.0) == ["alive"]
