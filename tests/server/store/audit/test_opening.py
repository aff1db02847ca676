"""The audit log is sealed by default, and an older database is seen when it is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.store.audit.log import Audit
from server.store.audit.opening import HEAD_FILE, KEY_FILE, made_key, open_audit, own_key
from server.store.audit.record import AUDIT, AuditError, AuditEvent
from server.store.database.database import Database

EVENT = AuditEvent("target.create", "cli")


async def append(database: Database, audit: Audit, count: int = 1) -> None:
    async with database.write() as session:
        await audit.append_many(session, [EVENT] * count)


async def sealed(database: Database, key: bytes | None) -> bool | None:
    async with database.read() as session:
        found = await Audit(key).verify(session)
    assert found.ok
    return found.sealed


async def test_f13_a_new_log_is_sealed(database: Database, tmp_path: Path) -> None:
    await append(database, await open_audit(database, tmp_path, None))
    assert await sealed(database, own_key(tmp_path)) is True
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    await append(database, await open_audit(database, tmp_path, None))


async def test_f13_a_log_that_was_begun_without_a_key_is_sealed_if_it_holds(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await append(database, Audit(), 3)
    await open_audit(database, tmp_path, None)
    assert await sealed(database, own_key(tmp_path)) is True


async def test_f13_a_damaged_log_is_not_sealed(database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await append(database, Audit(), 3)
    async with database.write() as session:
        await session.execute(AUDIT.delete().where(AUDIT.c.seq == 2))
    await open_audit(database, tmp_path, None)
    assert own_key(tmp_path) is None
    assert "record 2" in caplog.text


async def test_f13_servers_that_share_a_database_make_no_key(database: Database, tmp_path: Path) -> None:
    await append(database, await open_audit(database, tmp_path, None, shared=True))
    assert own_key(tmp_path) is None
    assert await sealed(database, None) is False


async def test_f13_a_key_that_is_gone_is_not_replaced(database: Database, tmp_path: Path) -> None:
    await append(database, await open_audit(database, tmp_path, None))
    (tmp_path / KEY_FILE).unlink()
    with pytest.raises(AuditError, match="is gone"):
        await open_audit(database, tmp_path, None)


async def test_f13_a_note_of_a_record_that_is_gone_is_kept(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    note = f"5:{'a' * 64}\n"
    (tmp_path / HEAD_FILE).write_text(note)
    audit = await open_audit(database, tmp_path, None)
    assert "does not have record 5" in caplog.text
    await append(database, audit, 9)
    assert (tmp_path / HEAD_FILE).read_text() == note
    await append(database, await open_audit(database, tmp_path, None))
    assert (tmp_path / HEAD_FILE).read_text() == note


def test_f13_two_processes_make_one_key(tmp_path: Path) -> None:
    assert made_key(tmp_path) == made_key(tmp_path) == own_key(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]
