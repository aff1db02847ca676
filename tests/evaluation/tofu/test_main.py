from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evaluation.tofu import __main__ as tofu
from evaluation.tofu import run as module
from tests.evaluation.tofu.test_record import RECORDS, Measured


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """Nothing is measured: the arguments of the run are kept instead."""
    made: list[Any] = []

    class Run(Measured):
        def __init__(self, *arguments: Any) -> None:
            made.append(arguments)

        async def go(self) -> None:
            pass

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "Run", Run)
    monkeypatch.setattr("evaluation.tofu.records.load", lambda *_, **__: RECORDS)
    return made


def test_the_table_is_written(measured: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tofu.main(["--model", "whole", "--retain", "retain", "--every", "3", "--systems", "mask"]) == 0
    models, forget, _, effort, folder, systems = measured[0]
    assert models == {"none": tmp_path / "whole", "retain": tmp_path / "retain"}
    assert (forget, effort.every, str(folder), systems) == ("forget10", 3, "build/tofu", ["none", "retain", "mask"])
    assert set(json.loads((tmp_path / "build" / "tofu.json").read_text())) == {"none", "retain", "default"}
    assert "| default |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "whole"], "--model and --retain are needed"),
        (["--model", "a", "--retain", "b", "--systems", "beam"], "no such system: beam"),
    ],
)
def test_what_cannot_be_is_an_error(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        tofu.main(arguments)
    assert said in capsys.readouterr().err
