"""Reading targets: pages, labels, history, expiry and batches."""

from __future__ import annotations

from datetime import timedelta

import pytest

from server.store import (
    Database,
    TargetNotFound,
)
from tests.server.store.targets.drafts import AT, create, draft, targets


async def test_the_history_says_who_and_why(database: Database) -> None:
    await create(database, "a")
    async with database.write() as session:
        await targets.update(session, draft("a", requester="R"), actor="one", reason="because", at=AT)
        await targets.set_status(session, "a", "paused", actor="two", at=AT)
        edited = await targets.update(session, draft("a"), actor="three", at=AT)
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
    await create(database, "b-1", "a_2", "a.1", "a-1", "a1")
    async with database.write() as session:
        await targets.create(session, draft("0"), actor="tester", at=AT + timedelta(microseconds=1))
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
    await create(database, "odd", labels=odd)
    await create(database, "plain", labels={"a": "1"})
    for name, value in odd.items():
        assert await _all_pages(database, 5, labels={name: value}) == (["odd", "plain"] if name == "a" else ["odd"])
    assert await _all_pages(database, 5, labels=odd) == ["odd"]
    assert await _all_pages(database, 5, labels={"a": "2"}) == []
    assert await _all_pages(database, 5, labels={"a": "\0"}) == []
    for bad in ("\0", "\ud800"):
        with pytest.raises(ValueError, match="labels"):
            draft("c", labels={"a": bad})


async def test_what_has_expired_is_found(database: Database) -> None:
    await create(database, "late", expires_at=AT + timedelta(seconds=2))
    await create(database, "never")
    await create(database, "early", "gone", expires_at=AT + timedelta(seconds=1))
    async with database.write() as session:
        await targets.set_status(session, "gone", "deleted", actor="tester")
    for seconds, expected in ((0, []), (1, ["early"]), (2, ["early", "late"])):
        async with database.read() as session:
            assert [t.id for t in await targets.expired(session, AT + timedelta(seconds=seconds))] == expected


@pytest.mark.slow
async def test_many_are_one_transaction_and_come_back_in_batches(database: Database) -> None:
    ids = [f"t{number:05}" for number in range(2500)]
    await create(database, *ids)
    async with database.write() as session:
        await targets.update_many(session, [draft(i, requester="R") for i in ids], expected=dict.fromkeys(ids, 1), actor="x")
        await targets.set_status(session, ids[0], "paused", actor="x")
    async with database.read() as session:
        parts = [part async for part in targets.batches(session, size=1000)]
        everything = [part async for part in targets.batches(session, ("pending", "paused"), size=2500)]
    assert [len(part) for part in parts] == [1000, 1000, 499]
    assert [t.id for part in parts for t in part] == ids[1:]
    assert [t.id for part in everything for t in part] == ids
    assert {t.version for part in parts for t in part} == {2}
