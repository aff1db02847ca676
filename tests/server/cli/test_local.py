"""The commands about keys and the audit log, on a store in a file."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
import typer

from server.cli import local as keycommands
from server.cli.local import duration
from server.store.database.location import default_url


@pytest.fixture
def url(tmp_path: Path) -> str:
    return default_url(tmp_path)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "audit.key"
    file.write_bytes(b"k" * 32)
    return file


def status(error: pytest.ExceptionInfo[typer.Exit]) -> int:
    return error.value.exit_code


def tamper(tmp_path: Path, statement: str) -> None:
    connection = sqlite3.connect(tmp_path / "guard.db")
    with connection:
        connection.execute(statement)
    connection.close()


def export(url: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    capsys.readouterr()
    keycommands.audit_export(url)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_key_is_printed_once_and_alone(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    keycommands.keys_create(url, "admin", "[red]Ada[/]", expires="30d", rate=60)
    shown = capsys.readouterr()
    text = shown.out.strip()
    assert text.startswith("gk-")
    secret = text.split("-", 2)[2]
    keycommands.keys_list(url)
    listed = capsys.readouterr().out
    assert text.split("-")[1] in listed
    assert "[red]" in listed
    assert secret not in listed + shown.err + repr(export(url, capsys))


def test_what_is_done_to_keys_is_recorded(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    keycommands.keys_create(url, "client", "Ada")
    key_id = capsys.readouterr().out.split("-")[1]
    keycommands.keys_revoke(url, key_id)
    records = export(url, capsys)
    assert [(record["action"], record["actor"]) for record in records] == [("key.create", "cli"), ("key.revoke", "cli")]
    assert all(record["details"]["key_id"] == key_id for record in records)  # type: ignore[index]


@pytest.mark.slow
def test_verify_says_where_it_is_broken(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in "abc":
        keycommands.keys_create(url, "client", name)
    capsys.readouterr()
    keycommands.audit_verify(url)
    assert "3 records, not sealed; head 3:" in capsys.readouterr().out
    tamper(tmp_path, "DELETE FROM audit WHERE seq = 2")
    with pytest.raises(typer.Exit) as caught:
        keycommands.audit_verify(url)
    assert status(caught) == 1
    assert "record 2: it is not there" in capsys.readouterr().err


@pytest.mark.slow
def test_a_witness_shows_an_end_cut_off(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keycommands.keys_create(url, "client", "a")
    keycommands.keys_create(url, "client", "b")
    capsys.readouterr()
    keycommands.audit_verify(url)
    witness = capsys.readouterr().out.split("head ")[1].strip()
    keycommands.audit_verify(url, witness=witness)
    tamper(tmp_path, "DELETE FROM audit WHERE seq = 2")
    tamper(tmp_path, "UPDATE audit_head SET seq = 1, count = 1, hash = (SELECT hash FROM audit)")
    keycommands.audit_verify(url)
    with pytest.raises(typer.Exit) as caught:
        keycommands.audit_verify(url, witness=witness)
    assert status(caught) == 1


@pytest.mark.slow
def test_f13_an_end_cut_off_is_found_without_a_witness(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in "abc":
        keycommands.keys_create(url, "client", name, folder=tmp_path)
    assert (tmp_path / "audit.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "audit.head").stat().st_mode & 0o777 == 0o600
    saved = sqlite3.connect(tmp_path / "guard.db").execute("SELECT seq, hash, count, seal FROM audit_head").fetchone()
    keycommands.keys_create(url, "client", "d", folder=tmp_path)
    capsys.readouterr()
    keycommands.audit_verify(url, folder=tmp_path)
    assert "4 records, sealed; head 4:" in capsys.readouterr().out
    # The head and the seal of an older copy fit, so the table by itself holds.
    tamper(tmp_path, "DELETE FROM audit WHERE seq = 4")
    tamper(tmp_path, "UPDATE audit_head SET seq = {}, hash = '{}', count = {}, seal = '{}'".format(*saved))
    keycommands.audit_verify(url, audit_key=tmp_path / "audit.key")
    for _ in range(3):
        with pytest.raises(typer.Exit) as caught:
            keycommands.audit_verify(url, folder=tmp_path)
        assert status(caught) == 1
        # What is written afterwards does not hide it.
        keycommands.keys_create(url, "client", "e", folder=tmp_path)


@pytest.mark.slow
def test_f13_a_log_without_a_key_is_sealed_once(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keycommands.keys_create(url, "client", "a")
    keycommands.keys_create(url, "client", "b", folder=tmp_path)
    capsys.readouterr()
    keycommands.audit_verify(url, folder=tmp_path)
    assert "2 records, sealed" in capsys.readouterr().out
    (tmp_path / "audit.key").unlink()
    with pytest.raises(typer.Exit) as caught:
        keycommands.keys_create(url, "client", "c", folder=tmp_path)
    assert status(caught) == 1
    assert "its key" in capsys.readouterr().err
    assert not (tmp_path / "audit.key").exists()


@pytest.mark.slow
def test_f13_a_pruned_record_is_no_missing_one(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keycommands.keys_create(url, "client", "a", folder=tmp_path)
    behind = (tmp_path / "audit.head").read_text()
    keycommands.audit_prune(url, "0s", folder=tmp_path)
    keycommands.keys_create(url, "client", "b", folder=tmp_path)
    keycommands.audit_verify(url, folder=tmp_path)
    # The note of another server that has written nothing since.
    for said in (behind, "", "not a head"):
        (tmp_path / "audit.head").write_text(said)
        keycommands.audit_verify(url, folder=tmp_path)


@pytest.mark.slow
def test_sealing(url: str, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keycommands.keys_create(url, "admin", "a")
    keycommands.audit_seal(url, key)
    with pytest.raises(typer.Exit) as caught:
        keycommands.keys_create(url, "admin", "b")
    assert status(caught) == 1
    # Nothing is half done: no record, no key.
    assert len(export(url, capsys)) == 1
    keycommands.keys_list(url)
    assert capsys.readouterr().out.count("admin") == 1
    keycommands.keys_create(url, "admin", "c", audit_key=key)
    capsys.readouterr()
    keycommands.audit_verify(url, audit_key=key)
    assert "2 records, sealed; head" in capsys.readouterr().out


@pytest.mark.slow
def test_prune(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    keycommands.keys_create(url, "admin", "a")
    keycommands.audit_prune(url, "1d")
    assert [record["action"] for record in export(url, capsys)] == ["key.create"]
    keycommands.audit_prune(url, "0s")
    assert [record["action"] for record in export(url, capsys)] == ["audit.prune"]
    keycommands.audit_verify(url)


@pytest.mark.slow
def test_what_cannot_be_done(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "short").write_bytes(b"k")
    cases = [
        (2, lambda: keycommands.keys_create(url, "root", "a")),
        (2, lambda: keycommands.keys_create(url, "admin", "a", expires="tomorrow")),
        (2, lambda: keycommands.keys_create(url, "admin", "a", expires="999999w")),
        (2, lambda: keycommands.keys_create(url, "admin", "a", audit_key=tmp_path / "short")),
        (1, lambda: keycommands.keys_create(url, "admin", "a", audit_key=tmp_path / "none")),
        (2, lambda: keycommands.keys_list("mysql://nowhere")),
        (1, lambda: keycommands.keys_revoke(url, "0" * 12)),
        (2, lambda: keycommands.audit_verify(url, witness="1:x")),
        (2, lambda: keycommands.audit_prune(url, "-1d")),
    ]
    for expected, command in cases:
        with pytest.raises(typer.Exit) as caught:
            command()
        assert status(caught) == expected
        assert capsys.readouterr().err.strip()
    assert export(url, capsys) == []


def test_durations() -> None:
    assert duration("90m") == timedelta(minutes=90)
    assert duration("2w") == timedelta(days=14)
    for wrong in ("", "30", "d", "1.5d", "1 d", "30D", "٣d"):
        with pytest.raises(ValueError):
            duration(wrong)
