"""docs/settings.md against the code."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from server.cli.main import app as cli
from server.settings import Settings
from tests.docs.conftest import named, page, rows

TABLE = {named(cells[0])[0].removeprefix("GUARD_").lower(): cells for cells in rows(page("docs/settings.md"), 4)}


def test_every_setting_is_there_and_no_other() -> None:
    assert set(TABLE) == set(Settings.model_fields)


@pytest.mark.parametrize("name", sorted(name for name, cells in TABLE.items() if named(cells[2])))
def test_defaults_are_what_it_says(name: str) -> None:
    assert str(Settings.model_fields[name].default).removesuffix(".0") == named(TABLE[name][2])[0]


@pytest.mark.parametrize("name", sorted(name for name, cells in TABLE.items() if cells[1].startswith("`--")))
def test_flags_exist(name: str) -> None:
    shown = CliRunner().invoke(cli, ["serve", "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert named(TABLE[name][1])[0] in shown.output
