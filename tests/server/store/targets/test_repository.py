"""The repository of targets, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text

from classifiers.target import ForgetTarget
from server.store import (
    Compiled,
    Database,
    Idempotency,
    Standing,
    StoredTarget,
    TargetExists,
    TargetNotFound,
    VersionConflict,
)
from tests.server.store.targets.drafts import AT, SECRET, create, draft, targets


async def _get(database: Database, target_id: str, *, deleted: bool = False) -> StoredTarget:
    async with database.read() as session:
        return await targets.get(session, target_id, deleted=deleted)


async def test_a_target_comes_back_as_it_was_given(database: Database) -> None:
    tokyo = datetime(2030, 1, 1, 9, tzinfo=timezone(timedelta(hours=9)))
    given = draft("a", labels={"café \"'": "$.x"}, requester="R", legal_basis="Art. 17", expires_at=tokyo)
    async with database.write() as session:
        made = await targets.create(session, given, actor="tester", reason="asked", at=AT)
    found = await _get(database, "a")
    assert found == made
    assert found.draft() == given
    assert (found.status, found.version, found.etag, found.created_at) == ("pending", 1, '"1"', AT)
    assert found.expires_at == tokyo
    assert found.expires_at.tzinfo is UTC
    assert found.activated_at is found.active_version is found.vectors is None


async def test_an_id_is_taken_until_its_target_is_deleted(database: Database) -> None:
    await create(database, "a", "b")
    with pytest.raises(TargetExists) as caught:
        await create(database, "c", "b", "a")
    assert caught.value.target_ids == ["a", "b"]
    with pytest.raises(TargetNotFound):
        await _get(database, "c")
    async with database.write() as session:
        await targets.set_status(session, "a", "deleted", actor="tester")
    with pytest.raises(TargetNotFound):
        await _get(database, "a")
    assert (await _get(database, "a", deleted=True)).version == 2
    (again,) = await create(database, "a")
    assert (again.version, again.status) == (3, "pending")
    assert await _get(database, "a") == again


async def test_a_change_needs_the_version_that_is_there(database: Database) -> None:
    await create(database, "a", "b")
    newer = draft("a", requester="R")
    async with database.write() as session:
        changed = await targets.update(session, newer, expected=1, actor="tester")
    assert (changed.version, changed.created_at) == (2, AT)
    assert await _get(database, "a") == changed
    with pytest.raises(VersionConflict) as caught:
        async with database.write() as session:
            await targets.update_many(session, [draft("b"), newer], expected={"a": 1, "b": 1}, actor="tester")
    assert (caught.value.expected, caught.value.actual) == (1, 2)
    assert (await _get(database, "b")).version == 1
    for unknown in ("c", "\0", "x" * 1000):
        with pytest.raises(TargetNotFound):
            await _get(database, unknown)


@pytest.mark.slow
async def test_eight_writers_lose_no_change(database: Database, store_url: str) -> None:
    await create(database, "a", labels={"n": "0"})
    mine = [database, *[await Database.open(store_url) for _ in range(2)]]
    conflicts = 0

    async def count_up(worker: int) -> None:
        nonlocal conflicts
        for _ in range(10):
            while True:
                seen = await _get(mine[worker % 3], "a")
                await asyncio.sleep(0)
                draft = replace(seen.draft(), labels={"n": str(int(seen.labels["n"]) + 1)})
                try:
                    async with mine[worker % 3].write() as session:
                        await targets.update(session, draft, expected=seen.version, actor=str(worker))
                    break
                except VersionConflict:
                    conflicts += 1

    await asyncio.gather(*(count_up(worker) for worker in range(8)))
    found = await _get(database, "a")
    assert (found.labels, found.version) == ({"n": "80"}, 81)
    assert conflicts > 0
    async with database.read() as session:
        history = await targets.history(session, "a")
    assert [version.version for version in history] == list(range(1, 82))
    for other in mine[1:]:
        await other.close()


@pytest.mark.slow
async def test_a_change_is_not_enforced_before_it_is_activated(database: Database) -> None:
    await create(database, "a", "b")
    async with database.write() as session:
        await targets.set_compiled(session, {("a", 1): Compiled("always1", "gated1")})
        await targets.mark_active(session, {"a": 1, "b": 1}, 7, at=AT)
        changed = replace(draft("a"), target=ForgetTarget(id="a", name="Somebody Else"))
        await targets.update(session, changed, actor="tester")
    found = await _get(database, "a")
    assert (found.status, found.version, found.active_version, found.always_digest) == ("pending", 2, 1, None)
    async with database.read() as session:
        assert await targets.unsettled(session) == [Standing("a", 2, "pending", 1)]
        assert sorted(await targets.unsettled(session, ["b", "c"])) == [("a", 2, "pending", 1), ("b", 1, "active", 1)]

    async with database.write() as session:
        # Activated in the meantime: what was asked for later is still pending.
        await targets.mark_active(session, {"a": 1}, 8, at=AT + timedelta(hours=1))
    assert (await _get(database, "a")).status == "pending"
    async with database.write() as session:
        await targets.mark_active(session, {"a": 2}, 9, at=AT + timedelta(hours=2))
        await targets.mark_retired(session, ["b"])
    found = await _get(database, "a")
    assert (found.status, found.active_version, found.activated_snapshot, found.activated_at) == ("active", 2, 9, AT)
    async with database.read() as session:
        assert sorted(await targets.unsettled(session, everything=True)) == [("a", 2, "active", 2), ("b", 1, "active", None)]
        assert await targets.counts(session) == {"pending": 0, "active": 2, "paused": 0, "deleted": 0}


async def test_what_says_the_same_stays_compiled(database: Database) -> None:
    await create(database, "a")
    async with database.write() as session:
        await targets.set_compiled(session, {("a", 1): Compiled("always1", "gated1")})
        same = await targets.update(session, draft("a", requester="R"), actor="tester")
    assert (same.always_digest, same.gated_digest) == ("always1", "gated1")


async def _bytes_on_disk(database: Database) -> bytes:
    folder = database.location.path
    return b"".join(file.read_bytes() for file in sorted(folder.parent.glob(f"{folder.name}*")))


async def test_examples_that_are_not_retained_are_gone_once_compiled(database: Database) -> None:
    await create(database, "a", retain_examples=False)
    await create(database, "b")
    async with database.write() as session:
        with pytest.raises(ValueError, match="needs vectors"):
            await targets.set_compiled(session, {("a", 1): Compiled("always1")})
        await targets.set_compiled(session, {("a", 1): Compiled("always1", None, b"v1"), ("b", 1): Compiled("always2")})
        await targets.mark_active(session, {"a": 1, "b": 1}, 1)
    kept = (await _get(database, "a")).target
    assert (kept.examples, kept.documents, kept.phrases) == ([], [], draft("a").target.phrases)
    assert (await _get(database, "b")).target == draft("b").target

    async with database.write() as session:
        await targets.update(session, draft("a", retain_examples=False), actor="tester")
    async with database.read() as session:
        assert [t.vectors for t in (await targets.find(session, ["a"])).values()] == [None]
    async with database.write() as session:
        await targets.set_compiled(session, {("a", 2): Compiled("always3", None, b"v2")})
        await targets.mark_active(session, {"a": 2}, 2)
        history = await targets.history(session, "a")
        assert (await targets.get(session, "a")).vectors == b"v2"
    assert [version.document["examples"] for version in history if version.document] == [[], []]


@pytest.mark.slow
async def test_a_purge_leaves_a_tombstone(database: Database) -> None:
    keys = Idempotency()
    await create(database, "a", labels={"who": SECRET}, requester=SECRET, legal_basis=SECRET, vectors=SECRET.encode())
    async with database.write() as session:
        await keys.begin(session, "k", "tester", "hash")
        await keys.finish(session, "k", "tester", 201, {"name": SECRET}, target_id="a")
        await targets.set_compiled(session, {("a", 1): Compiled("always1", "gated1", SECRET.encode())})
        await targets.update(session, draft("a", requester="R"), actor="tester", reason=SECRET, at=AT)
    await database.scrub()
    if database.location.dialect == "sqlite":
        assert SECRET.encode() in await _bytes_on_disk(database)
    async with database.write() as session:
        purged = await targets.purge(session, "a", actor="eraser", at=AT)
    await database.scrub()

    assert purged.digests == {"always1", "gated1"}
    tombstone = await _get(database, "a", deleted=True)
    assert tombstone == purged.tombstone
    assert (tombstone.version, tombstone.status, tombstone.purged, tombstone.created_at) == (3, "deleted", True, AT)
    with pytest.raises(TargetNotFound):
        _ = tombstone.target
    async with database.write() as session:
        response = await keys.begin(session, "k", "tester", "hash")
        assert response is not None
        assert (response.status, response.response) == (201, None)
        for table in ("targets", "target_versions", "idempotency"):
            rows = (await session.execute(text(f"SELECT * FROM {table}"))).all()
            assert rows
            assert SECRET not in repr(rows)
        assert (await targets.purge(session, "a", actor="eraser")).tombstone == tombstone
        assert [(v.version, v.actor) for v in await targets.history(session, "a")] == [
            (1, "tester"),
            (2, "tester"),
            (3, "eraser"),
        ]
    if database.location.dialect == "sqlite":
        assert SECRET.encode() not in await _bytes_on_disk(database)
