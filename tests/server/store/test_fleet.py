"""What engines are to hold: by revision, for as long as a front end needs it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from server.store import Changes, Database, Fleet, LeaseLost, Peers
from server.store.fleet import SILENT
from server.store.peers import ENGINE, FRONT, JOINING, SERVER

fleet, peers = Fleet(), Peers()


async def test_an_engine_hears_what_is_new_and_what_nobody_needs_any_more(database: Database) -> None:
    async with database.write() as session:
        now = await database.now(session)
        assert await fleet.changes(session, 0) == Changes(0, [], [])
        assert await fleet.require(session, "a", ["x", "y"], {"x": b"X", "y": b"Y"}) == 1
        assert await fleet.require(session, "b", ["y"], {}) == 2
        assert await fleet.changes(session, 1) == Changes(2, ["y"], [])
        await fleet.drop(session, "a", ["x", "y"], now)
        # b still needs y.
        assert await fleet.changes(session, 2) == Changes(3, [], ["x"])
        assert await fleet.changes(session, 0) == Changes(3, ["y"], [])
        assert [await fleet.file(session, name) for name in ("x", "y")] == [None, b"Y"]
        assert await fleet.require(session, "a", ["x"], {"x": b"X"}) == 4
        assert await fleet.changes(session, 3) == Changes(4, ["x"], [])


async def test_it_is_known_how_much_an_engine_holds_by_its_revision(database: Database) -> None:
    async with database.write() as session:
        await fleet.require(session, "a", ["x"], {"x": b"X"})
        await fleet.require(session, "a", ["y"], {"y": b"Y"})
        assert [await fleet.reached(session, "a", ["x", "y"], revision) for revision in (0, 1, 2)] == [0, 1, 2]
        assert await fleet.reached(session, "b", ["x", "y"], 2) == 0


async def test_a_silent_front_end_is_removed_with_what_it_needed(database: Database) -> None:
    async with database.write() as session:
        now = await database.now(session)
        for name, needs in (("silent", ["x", "y"]), ("alive", ["y"])):
            await peers.register(session, name, now, 10.0, kind=FRONT)
            await fleet.require(session, name, needs, dict.fromkeys(needs, b"?"))
        later = now + timedelta(seconds=10) + SILENT
        await peers.keep(session, "alive", later, 10.0)
        await fleet.sweep(session, later - timedelta(seconds=1))
        assert (await fleet.changes(session, 0)).needed == ["x", "y"] or (await fleet.changes(session, 0)).needed == ["y", "x"]
        await fleet.sweep(session, later)
        assert (await fleet.changes(session, 0)).needed == ["y"]
        assert await fleet.file(session, "x") is None
        with pytest.raises(LeaseLost):
            await peers.keep(session, "silent", later, 10.0)


async def test_revisions_never_fall_when_old_drops_are_forgotten(database: Database) -> None:
    async with database.write() as session:
        now = await database.now(session)
        await fleet.require(session, "a", ["x"], {"x": b"X"})
        await fleet.drop(session, "a", ["x"], now)
        await fleet.sweep(session, now + timedelta(hours=2))
        assert await fleet.revision(session) == 2
        assert await fleet.require(session, "a", ["z"], {"z": b"Z"}) == 3
        await fleet.sweep(session, now + timedelta(hours=2))
        assert await fleet.changes(session, 1) == Changes(3, ["z"], [])


async def test_many_restrictions_fit(database: Database) -> None:
    digests = [f"{number:064x}" for number in range(1201)]
    async with database.write() as session:
        await fleet.require(session, "a", digests, dict.fromkeys(digests, b""))
        assert await fleet.known(session, [*digests, "other"]) == set(digests)
        assert len((await fleet.changes(session, 0)).needed) == 1201
        await fleet.leave(session, "a", await database.now(session))
        assert await fleet.known(session, digests) == set()


async def test_only_an_engine_that_serves_is_waited_for_and_only_by_its_own_number(database: Database) -> None:
    async with database.write() as session:
        now = await database.now(session)
        await peers.register(session, "server", now, 10.0)
        await peers.register(session, "engine", now, 10.0, kind=JOINING, about={"vllm": "1"})
        assert await peers.waiting_for(session, 5, now, 10.0) == ["server"]
        assert await peers.waiting_for(session, 5, now, 10.0, ENGINE) == []
        await peers.promote(session, "engine", now)
        assert await peers.waiting_for(session, 5, now, 10.0, ENGINE) == ["engine"]
        assert await peers.waiting_for(session, 5, now, 10.0, SERVER) == ["server"]
        (one,) = await peers.living(session, ENGINE, now)
        assert one.about == {"vllm": "1"}
        assert await peers.living(session, ENGINE, now + timedelta(seconds=10)) == []
        with pytest.raises(LeaseLost):
            await peers.promote(session, "engine", now + timedelta(seconds=10))


async def test_dead_engines_are_removed_like_servers_and_front_ends_are_not(database: Database) -> None:
    async with database.write() as session:
        now = await database.now(session)
        for name, kind in (("server", SERVER), ("engine", ENGINE), ("front", FRONT)):
            await peers.register(session, name, now, 1.0, kind=kind)
        assert await peers.expire(session, now + timedelta(seconds=1)) == ["engine", "server"]
        assert [peer.instance for peer in await peers.all(session)] == ["front"]
