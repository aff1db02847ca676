"""The commands: light to import, and honest about what is missing."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from server.cli.main import app


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "160", "NO_COLOR": "1", "GUARD_MODEL": "", **environment})


def test_a_missing_file_or_setting_is_told(tmp_path: Path) -> None:
    assert run("check-policy", str(tmp_path / "none.yaml")).exit_code == 2
    result = CliRunner().invoke(app, ["serve"], env={"GUARD_MODEL": None, "GUARD_POLICY": None})
    assert result.exit_code == 2
    assert "GUARD_MODEL (--model)" in result.output
    assert run("serve", "--model", "m", "--policy", "p", "--port", "99999").exit_code == 2


@pytest.mark.parametrize("heavy", ["numba", "torch", "vllm", "fastapi", "numpy"])
def test_importing_the_command_line_is_light(heavy: str) -> None:
    """vLLM's workers import it again, and do not start where numba was imported first."""
    code = f"import sys, server.cli.main; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, env=os.environ).returncode == 0


COMMANDS = [
    *(["serve"], ["ask"], ["check-policy"], ["extract"], ["migrate"]),
    *(["keys", name] for name in ("create", "list", "revoke")),
    *(["audit", name] for name in ("verify", "seal", "prune", "export")),
    *(["policy", name] for name in ("apply", "diff", "export")),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_without_a_command_there_is_help() -> None:
    assert "check-policy" in run().output


def test_the_store_lies_in_the_data_folder(tmp_path: Path) -> None:
    result = run("keys", "create", "--role", "admin", "--name", "operator", "--data-dir", str(tmp_path / "data"))
    assert result.exit_code == 0, result.output
    assert (tmp_path / "data" / "guard.db").exists()


@pytest.mark.slow
def test_migrate_makes_the_schema(tmp_path: Path) -> None:
    for _ in range(2):
        result = run("migrate", "--data-dir", str(tmp_path / "data"))
        assert result.exit_code == 0, result.output
        assert "The sqlite store has the schema of this version." in result.output
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "guard.db")) as store:
        assert store.execute("SELECT count(*) FROM targets").fetchone() == (0,)
        # That of another version is left alone.
        store.execute("UPDATE alembic_version SET version_num = '9999'")
        store.commit()
    result = run("migrate", "--data-dir", str(tmp_path / "data"))
    assert result.exit_code == 1
    assert "a later version of this program wrote the database" in result.output
