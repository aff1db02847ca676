"""The commands that ask a running server, against one that is really served."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from server.cli import remote
from server.store.columns import utc_now
from server.store.keys import Keys
from tests.server.api.conftest import StubbornEngine, listening

POLICY = "version: 1\ntargets:\n- {id: hatter, name: Mad Hatter}\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Any]:
    with listening(tmp_path / "served", StubbornEngine()) as (url, context, loop):

        async def key() -> str:
            async with context.database.write() as session:
                return (await Keys().create(session, "admin", "tests", utc_now()))[1]

        yield url, asyncio.run_coroutine_threadsafe(key(), loop).result()


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)
    return file


@pytest.mark.slow
def test_applied_targets_are_enforced(server: Any, policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remote.apply(*server, policy, dry_run=False)
    shown = capsys.readouterr()
    assert shown.out == "+ hatter\n"
    assert "1 new, 0 changed, 0 unchanged; enforced by snapshot 1" in shown.err


@pytest.mark.slow
def test_a_dry_run_does_nothing(server: Any, policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remote.apply(*server, policy, dry_run=True)
    assert "nothing was done" in capsys.readouterr().err
    remote.export(*server, "jsonl")
    assert capsys.readouterr().out == ""


@pytest.mark.slow
def test_what_is_exported_can_be_applied(server: Any, policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remote.apply(*server, policy, dry_run=False)
    capsys.readouterr()
    remote.export(*server, "yaml")
    policy.write_text(capsys.readouterr().out)
    remote.apply(*server, policy, dry_run=False)
    assert "0 new, 0 changed, 1 unchanged" in capsys.readouterr().err


@pytest.mark.slow
def test_a_refusal_exits_with_the_reason(server: Any, policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy.write_text("version: 1\ntargets:\n- {id: hatter}\n")
    with pytest.raises(typer.Exit) as caught:
        remote.apply(*server, policy, dry_run=False)
    assert caught.value.exit_code == 1
    assert "400: line 3: targets[0].name (target hatter): missing: add this key (targets[0].name)" in capsys.readouterr().err


@pytest.mark.slow
def test_without_a_key_the_server_refuses(server: Any, policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as caught:
        remote.apply(server[0], None, policy, dry_run=False)
    assert caught.value.exit_code == 1
    assert "401: " in capsys.readouterr().err


def test_a_server_that_is_not_there_is_named(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as caught:
        remote.apply("http://127.0.0.1:9", None, policy, dry_run=False)
    assert caught.value.exit_code == 1
    assert "http://127.0.0.1:9 does not answer: ConnectError" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["policy.txt", "absent.yaml"])
def test_a_file_that_cannot_be_used_exits_with_2(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as caught:
        remote.apply("http://127.0.0.1:9", None, tmp_path / name, dry_run=False)
    assert caught.value.exit_code == 2
    assert name in capsys.readouterr().err
