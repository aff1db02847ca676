"""Keys, made and revoked with their records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from server.store import Database
from server.store.audit import keys as recorded
from server.store.audit.log import Audit
from server.store.audit.record import AuditError, AuditRecord
from server.store.keys import KeyNotFound, Keys

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


async def records(database: Database) -> list[AuditRecord]:
    async with database.read() as session:
        return [record async for record in Audit().records(session)]


@pytest.mark.slow
async def test_a_new_key_is_recorded_without_its_secret(database: Database) -> None:
    async with database.write() as session:
        key, text = await recorded.create(
            session, Audit(), "cli", "admin", "Ada", NOW, expires_at=NOW + timedelta(days=1), rate_per_minute=60, burst=5
        )
    (record,) = await records(database)
    assert (record.action, record.actor, record.target_ids) == ("key.create", "cli", [])
    assert record.details == {
        "key_id": key.id,
        "role": "admin",
        "name": "Ada",
        "expires_at": "2026-11-22T12:00:00.000000Z",
        "rate_per_minute": 60,
        "burst": 5,
    }
    assert text.rpartition("-")[2] not in str(record)


@pytest.mark.slow
async def test_a_revoked_key_is_recorded(database: Database) -> None:
    async with database.write() as session:
        key, _ = await recorded.create(session, Audit(), "cli", "client", "Ada", NOW)
        revoked = await recorded.revoke(session, Audit(), "k1", key.id, NOW)
    assert revoked.revoked_at == NOW
    made, record = await records(database)
    assert (record.action, record.actor) == ("key.revoke", "k1")
    assert record.details == made.details


async def test_a_key_that_is_not_there_leaves_no_record(database: Database) -> None:
    async with database.write() as session:
        with pytest.raises(KeyNotFound):
            await recorded.revoke(session, Audit(), "cli", "0" * 12, NOW)
    assert await records(database) == []


async def test_a_key_that_cannot_be_recorded_is_not_made(database: Database) -> None:
    async with database.write() as session:
        await recorded.create(session, Audit(b"k" * 32), "cli", "client", "sealed", NOW)

    async def unsealed() -> None:
        async with database.write() as session:
            await recorded.create(session, Audit(), "cli", "client", "not sealed", NOW)

    with pytest.raises(AuditError):
        await unsealed()
    async with database.read() as session:
        assert [key.name for key in await Keys().list(session)] == ["sealed"]
