"""The head of the audit log is noted outside the database."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.store.audit.chain import Head
from server.store.audit.log import Audit
from server.store.audit.noted import HeadFile, witness_in
from server.store.audit.record import AuditEvent
from server.store.database.database import Database

FIRST, SECOND = Head(1, "1" * 64, 1), Head(2, "2" * 64, 2)


def test_f13_it_is_read_again(tmp_path: Path) -> None:
    HeadFile(tmp_path / "head").write(FIRST)
    HeadFile(tmp_path / "head").write(SECOND)
    assert HeadFile(tmp_path / "head").last == (2, SECOND.hash)
    assert [path.name for path in tmp_path.iterdir()] == ["head"]


@pytest.mark.parametrize("text", ["", "x", "1:2", "1:" + "g" * 64, "-1:" + "a" * 64])
def test_f13_what_is_no_head_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "head").write_text(text)
    assert HeadFile(tmp_path / "head").last is witness_in(text) is None


def test_f13_a_shorter_log_does_not_overwrite_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    head = HeadFile(tmp_path / "head")
    head.write(SECOND)
    head.follows(SECOND)
    assert not caplog.records
    head.follows(FIRST)
    head.write(Head(3, "3" * 64, 3))
    assert HeadFile(tmp_path / "head").last == (2, SECOND.hash)
    assert "does not have record 2" in caplog.text


def test_f13_a_full_disk_keeps_no_record_from_being_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    head = HeadFile(tmp_path / "missing" / "head")
    head.write(FIRST)
    assert "was not noted" in caplog.text


async def test_f13_it_is_behind_the_log_and_never_ahead(database: Database, tmp_path: Path) -> None:
    head = HeadFile(tmp_path / "head")
    audit = Audit(b"k" * 32, noted=head)
    event = AuditEvent("target.create", "cli")
    async with database.write() as session:
        await audit.append(session, event)
        assert head.last is None
        (last,) = await audit.append_many(session, [event])
        assert head.last is None
    assert head.last == (last.seq, last.hash) == (2, last.hash)

    async def undone() -> None:
        async with database.write() as session:
            await audit.append(session, event)
            raise KeyError

    with pytest.raises(KeyError):
        await undone()
    assert HeadFile(tmp_path / "head").last == head.last == (2, last.hash)


async def test_f13_servers_on_one_database_each_have_a_note_that_holds(database: Database, tmp_path: Path) -> None:
    heads = [HeadFile(tmp_path / name) for name in "ab"]
    audits = [Audit(b"k" * 32, noted=head) for head in heads]
    for audit in (*audits, audits[0], *audits, audits[1]):
        async with database.write() as session:
            await audit.append(session, AuditEvent("target.create", "cli"))
    assert [head.last[0] for head in heads if head.last] == [4, 6]
    async with database.read() as session:
        for head in heads:
            assert (await audits[0].verify(session, head.last)).ok
