"""The repository of targets, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text

from classifiers.target import Example, ForgetTarget
from guard.phrase import Phrase
from server.store import (
    Compiled,
    Database,
    Idempotency,
    InvalidCursor,
    Standing,
    StoredTarget,
    TargetDraft,
    TargetExists,
    TargetNotFound,
    Targets,
    VersionConflict,
)

SECRET = "Quetzalcoatlus"
AT = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
targets = Targets()


def _draft(target_id: str, **fields: object) -> TargetDraft:
    target = ForgetTarget(
        id=target_id,
        name=f"{SECRET} Smith",
        examples=[Example(prompt=f"Who is {SECRET}? \0 \u202e", completion="A \U0001f996.")],
        documents=[f"{SECRET} lives."],
        phrases=[Phrase("red house", scope="gated")],
    )
    return replace(TargetDraft(target), **fields)  # type: ignore[arg-type]


async def _create(database: Database, *ids: str, **fields: object) -> list[StoredTarget]:
    async with database.write() as session:
        return await targets.create_many(session, [_draft(i, **fields) for i in ids], actor="tester", at=AT)


async def _get(database: Database, target_id: str, *, deleted: bool = False) -> StoredTarget:
    async with database.read() as session:
        return await targets.get(session, target_id, deleted=deleted)


async def test_a_target_comes_back_as_it_was_given(database: Database) -> None:
    tokyo = datetime(2030, 1, 1, 9, tzinfo=timezone(timedelta(hours=9)))
    draft = _draft("a", labels={"café \"'": "$.x"}, requester="R", legal_basis="Art. 17", expires_at=tokyo)
    async with database.write() as session:
        made = await targets.create(session, draft, actor="tester", reason="asked", at=AT)
    found = await _get(database, "a")
    assert found == made
    assert found.draft() == draft
    assert (found.status, found.version, found.etag, found.created_at) == ("pending", 1, '"1"', AT)
    assert found.expires_at == tokyo
    assert found.expires_at.tzinfo is UTC
    assert found.activated_at is found.active_version is found.vectors is None


async def test_an_id_is_taken_until_its_target_is_deleted(database: Database) -> None:
    await _create(database, "a", "b")
    with pytest.raises(TargetExists) as caught:
        await _create(database, "c", "b", "a")
    assert caught.value.target_ids == ["a", "b"]
    with pytest.raises(TargetNotFound):
        await _get(database, "c")
    async with database.write() as session:
        await targets.set_status(session, "a", "deleted", actor="tester")
    with pytest.raises(TargetNotFound):
        await _get(database, "a")
    assert (await _get(database, "a", deleted=True)).version == 2
    (again,) = await _create(database, "a")
    assert (again.version, again.status) == (3, "pending")
    assert await _get(database, "a") == again


async def test_a_change_needs_the_version_that_is_there(database: Database) -> None:
    await _create(database, "a", "b")
    newer = _draft("a", requester="R")
    async with database.write() as session:
        changed = await targets.update(session, newer, expected=1, actor="tester")
    assert (changed.version, changed.created_at) == (2, AT)
    assert await _get(database, "a") == changed
    with pytest.raises(VersionConflict) as caught:
        async with database.write() as session:
            await targets.update_many(session, [_draft("b"), newer], expected={"a": 1, "b": 1}, actor="tester")
    assert (caught.value.expected, caught.value.actual) == (1, 2)
    assert (await _get(database, "b")).version == 1
    for unknown in ("c", "\0", "x" * 1000):
        with pytest.raises(TargetNotFound):
            await _get(database, unknown)


async def test_eight_writers_lose_no_change(database: Database, store_url: str) -> None:
    await _create(database, "a", labels={"n": "0"})
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


async def test_the_history_says_who_and_why(database: Database) -> None:
    await _create(database, "a")
    async with database.write() as session:
        await targets.update(session, _draft("a", requester="R"), actor="one", reason="because", at=AT)
        await targets.set_status(session, "a", "paused", actor="two", at=AT)
        edited = await targets.update(session, _draft("a"), actor="three", at=AT)
        await targets.set_status(session, "a", "pending", actor="four", at=AT)
    async with database.read() as session:
        history = await targets.history(session, "a")
        with pytest.raises(TargetNotFound):
            await targets.history(session, "b")
    assert edited.status == "paused"
    assert [(v.version, v.status, v.actor, v.reason) for v in history] == [
        (1, "pending", "tester", None),
        (2, "pending", "one", "because"),
        (3, "paused", "two", None),
        (4, "paused", "three", None),
        (5, "pending", "four", None),
    ]
    assert all(version.at == AT and version.document for version in history)


async def _all_pages(database: Database, limit: int, **filters: object) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        async with database.read() as session:
            page = await targets.page(session, cursor=cursor, limit=limit, **filters)  # type: ignore[arg-type]
        found += [target.id for target in page.targets]
        cursor = page.cursor
        if cursor is None:
            return found


async def test_pages_hold_every_target_once(database: Database) -> None:
    await _create(database, "b-1", "a_2", "a.1", "a-1", "a1")
    async with database.write() as session:
        await targets.create(session, _draft("0"), actor="tester", at=AT + timedelta(microseconds=1))
        await targets.set_status(session, "a1", "deleted", actor="tester")
    for limit in (1, 2, 5, 1000):
        assert await _all_pages(database, limit) == ["a-1", "a.1", "a_2", "b-1", "0"]
    assert await _all_pages(database, 1, status="deleted") == ["a1"]
    for limit in (0, 1001):
        async with database.read() as session:
            with pytest.raises(ValueError, match="1 to 1000"):
                await targets.page(session, limit=limit)


async def test_labels_are_compared_whatever_they_hold(database: Database) -> None:
    odd = {"a": "1", 'quo"te': "x", "$.path": "%", "": "", "naïve": "ü"}
    await _create(database, "odd", labels=odd)
    await _create(database, "plain", labels={"a": "1"})
    for name, value in odd.items():
        assert await _all_pages(database, 5, labels={name: value}) == (["odd", "plain"] if name == "a" else ["odd"])
    assert await _all_pages(database, 5, labels=odd) == ["odd"]
    assert await _all_pages(database, 5, labels={"a": "2"}) == []
    assert await _all_pages(database, 5, labels={"a": "\0"}) == []
    for bad in ("\0", "\ud800"):
        with pytest.raises(ValueError, match="labels"):
            _draft("c", labels={"a": bad})


async def test_a_cursor_from_elsewhere_is_refused(database: Database) -> None:
    await _create(database, "a", "b", "c")
    async with database.read() as session:
        cursor = (await targets.page(session, limit=1)).cursor
        assert cursor is not None
        forged = ["", "x", "é", "=" * 10, cursor[:-2], cursor + "A", "A" + cursor[1:], cursor.swapcase(), "A" * 5000]
        for wrong in forged:
            with pytest.raises(InvalidCursor):
                await targets.page(session, cursor=wrong)
        with pytest.raises(InvalidCursor):
            await targets.page(session, cursor=cursor, status="pending")


async def test_a_change_is_not_enforced_before_it_is_activated(database: Database) -> None:
    await _create(database, "a", "b")
    async with database.write() as session:
        await targets.set_compiled(session, {("a", 1): Compiled("always1", "gated1")})
        await targets.mark_active(session, {"a": 1, "b": 1}, 7, at=AT)
        changed = replace(_draft("a"), target=ForgetTarget(id="a", name="Somebody Else"))
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
    await _create(database, "a")
    async with database.write() as session:
        await targets.set_compiled(session, {("a", 1): Compiled("always1", "gated1")})
        same = await targets.update(session, _draft("a", requester="R"), actor="tester")
    assert (same.always_digest, same.gated_digest) == ("always1", "gated1")


async def _bytes_on_disk(database: Database) -> bytes:
    folder = database.location.path
    return b"".join(file.read_bytes() for file in sorted(folder.parent.glob(f"{folder.name}*")))


async def test_examples_that_are_not_retained_are_gone_once_compiled(database: Database) -> None:
    await _create(database, "a", retain_examples=False)
    await _create(database, "b")
    async with database.write() as session:
        with pytest.raises(ValueError, match="needs vectors"):
            await targets.set_compiled(session, {("a", 1): Compiled("always1")})
        await targets.set_compiled(session, {("a", 1): Compiled("always1", None, b"v1"), ("b", 1): Compiled("always2")})
        await targets.mark_active(session, {"a": 1, "b": 1}, 1)
    kept = (await _get(database, "a")).target
    assert (kept.examples, kept.documents, kept.phrases) == ([], [], _draft("a").target.phrases)
    assert (await _get(database, "b")).target == _draft("b").target

    async with database.write() as session:
        await targets.update(session, _draft("a", retain_examples=False), actor="tester")
    async with database.read() as session:
        assert [t.vectors for t in (await targets.find(session, ["a"])).values()] == [None]
    async with database.write() as session:
        await targets.set_compiled(session, {("a", 2): Compiled("always3", None, b"v2")})
        await targets.mark_active(session, {"a": 2}, 2)
        history = await targets.history(session, "a")
        assert (await targets.get(session, "a")).vectors == b"v2"
    assert [version.document["examples"] for version in history if version.document] == [[], []]


async def test_a_purge_leaves_a_tombstone(database: Database) -> None:
    keys = Idempotency()
    await _create(database, "a", labels={"who": SECRET}, requester=SECRET, legal_basis=SECRET, vectors=SECRET.encode())
    async with database.write() as session:
        await keys.begin(session, "k", "tester", "hash")
        await keys.finish(session, "k", "tester", 201, {"name": SECRET}, target_id="a")
        await targets.set_compiled(session, {("a", 1): Compiled("always1", "gated1", SECRET.encode())})
        await targets.update(session, _draft("a", requester="R"), actor="tester", reason=SECRET, at=AT)
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


async def test_what_has_expired_is_found(database: Database) -> None:
    await _create(database, "late", expires_at=AT + timedelta(seconds=2))
    await _create(database, "never")
    await _create(database, "early", "gone", expires_at=AT + timedelta(seconds=1))
    async with database.write() as session:
        await targets.set_status(session, "gone", "deleted", actor="tester")
    for seconds, expected in ((0, []), (1, ["early"]), (2, ["early", "late"])):
        async with database.read() as session:
            assert [t.id for t in await targets.expired(session, AT + timedelta(seconds=seconds))] == expected


async def test_many_are_one_transaction_and_come_back_in_batches(database: Database) -> None:
    ids = [f"t{number:05}" for number in range(2500)]
    await _create(database, *ids)
    async with database.write() as session:
        await targets.update_many(session, [_draft(i, requester="R") for i in ids], expected=dict.fromkeys(ids, 1), actor="x")
        await targets.set_status(session, ids[0], "paused", actor="x")
    async with database.read() as session:
        parts = [part async for part in targets.batches(session, size=1000)]
        everything = [part async for part in targets.batches(session, ("pending", "paused"), size=2500)]
    assert [len(part) for part in parts] == [1000, 1000, 499]
    assert [t.id for part in parts for t in part] == ids[1:]
    assert [t.id for part in everything for t in part] == ids
    assert {t.version for part in parts for t in part} == {2}
