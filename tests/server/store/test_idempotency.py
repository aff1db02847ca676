"""Idempotency keys: the same request gets the same answer, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from server.store import Database, Idempotency, IdempotencyConflict, IdempotencyPending, StoredResponse
from server.store.idempotency import CLAIM, KEEP

AT = datetime(2026, 1, 1, tzinfo=UTC)
keys = Idempotency()


async def _begin(database: Database, key: str, request: str, actor: str = "one", after: timedelta = timedelta()) -> object:
    async with database.write() as session:
        return await keys.begin(session, key, actor, request, at=AT + after)


@pytest.mark.slow
async def test_the_same_request_gets_the_same_answer(database: Database) -> None:
    assert await _begin(database, "k", "request") is None
    with pytest.raises(IdempotencyPending):
        await _begin(database, "k", "request")
    async with database.write() as session:
        await keys.finish(session, "k", "one", 201, {"id": "a"})
    assert await _begin(database, "k", "request") == StoredResponse(201, {"id": "a"})
    with pytest.raises(IdempotencyConflict) as caught:
        await _begin(database, "k", "another request")
    assert not isinstance(caught.value, IdempotencyPending)
    # Another client's key is another key.
    assert await _begin(database, "k", "another request", "two") is None


async def test_an_answer_is_forgotten_after_a_day(database: Database) -> None:
    assert await _begin(database, "k", "request") is None
    async with database.write() as session:
        await keys.finish(session, "k", "one", 200, None)
    assert await _begin(database, "k", "request", after=KEEP - timedelta(seconds=1)) == StoredResponse(200, None)
    assert await _begin(database, "k", "another request", after=KEEP) is None


async def test_a_key_is_free_again_when_its_request_failed(database: Database) -> None:
    async def begin_and_fail() -> None:
        async with database.write() as session:
            assert await keys.begin(session, "k", "one", "request", at=AT) is None
            raise RuntimeError("the change was refused")

    with pytest.raises(RuntimeError, match="refused"):
        await begin_and_fail()
    assert await _begin(database, "k", "another request") is None


async def test_a_key_is_free_again_when_its_request_died(database: Database) -> None:
    assert await _begin(database, "k", "another request") is None
    with pytest.raises(IdempotencyPending):
        await _begin(database, "k", "another request", after=CLAIM - timedelta(seconds=1))
    assert await _begin(database, "k", "another request", after=CLAIM) is None


async def test_keys_that_cannot_be_kept_are_refused(database: Database) -> None:
    for key in ("", "x" * 256, "\0", "\udc00"):
        with pytest.raises(ValueError, match="1 to 255"):
            await _begin(database, key, "request")
