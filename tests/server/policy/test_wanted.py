"""What the store asks a process to enforce."""

from __future__ import annotations

from dataclasses import replace

import pytest

from classifiers import ForgetTarget
from server.policy.wanted import Wanted
from server.store import Database, Snapshots, TargetDraft, Targets

TARGETS = Targets()


@pytest.fixture
async def store(database: Database) -> Database:
    """Two pending targets."""
    drafts = [TargetDraft(ForgetTarget(id=i, name=f"Person {i}")) for i in ("a", "b")]
    async with database.write() as session:
        await TARGETS.create_many(session, drafts, actor="test")
    return database


async def confirm(database: Database, **versions: int) -> None:
    async with database.write() as session:
        number = (await Snapshots().propose(session, "d")).number
        await Snapshots().activate(session, number)
        await TARGETS.mark_active(session, versions, number)


async def read(database: Database, *unconfirmed: str, everything: bool = False, **enforced: int) -> Wanted:
    async with database.read() as session:
        return await Wanted.read(session, enforced, unconfirmed, everything)


async def test_an_empty_store_asks_for_nothing(database: Database) -> None:
    wanted = await read(database)
    assert (wanted.versions, wanted.differing, wanted.latest, wanted.settled) == ({}, [], 0, True)


async def test_a_new_target_is_pending_and_differs(store: Database) -> None:
    wanted = await read(store)
    assert (wanted.versions, wanted.pending) == ({"a": 1, "b": 1}, {"a": 1, "b": 1})
    assert [stored.id for stored in wanted.differing] == ["a", "b"]
    assert not wanted.settled


@pytest.mark.slow
async def test_what_is_enforced_already_does_not_differ(store: Database) -> None:
    assert [stored.id for stored in (await read(store, a=1)).differing] == ["b"]


async def test_a_confirmed_target_is_not_read_again(store: Database) -> None:
    await confirm(store, a=1, b=1)
    wanted = await read(store, a=1, b=1)
    assert (wanted.versions, wanted.latest, wanted.settled, wanted.confirmed) == ({"a": 1, "b": 1}, 1, True, set())


async def test_what_a_process_has_not_seen_confirmed_is_read_again(store: Database) -> None:
    await confirm(store, a=1, b=1)
    assert (await read(store, "a", a=1, b=1)).confirmed == {"a"}


async def test_a_process_without_anything_reads_everything(store: Database) -> None:
    await confirm(store, a=1, b=1)
    wanted = await read(store, everything=True)
    assert [stored.id for stored in wanted.differing] == ["a", "b"]


async def test_a_deleted_target_retires(store: Database) -> None:
    await confirm(store, a=1, b=1)
    async with store.write() as session:
        await TARGETS.set_status(session, "a", "deleted", actor="test")
    wanted = await read(store, a=1, b=1)
    assert (wanted.versions, wanted.retiring, wanted.settled) == ({"b": 1}, ["a"], False)


async def test_the_digest_names_the_versions_in_any_order() -> None:
    one = Wanted({"a": 1, "b": 2}, [], 0, {}, [], set())
    assert one.digest == replace(one, versions={"b": 2, "a": 1}, latest=5).digest
    assert one.digest != replace(one, versions={"a": 2, "b": 2}).digest
