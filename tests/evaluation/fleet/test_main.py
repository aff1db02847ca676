from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from evaluation.fleet import __main__ as fleet


@pytest.mark.parametrize(("failures", "status"), [([], 0), (["it leaks"], 1)])
def test_the_figures_are_written_and_judged(
    failures: list[str], status: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[tuple[Any, ...]] = []

    def run(parts: tuple[str, ...], folder: Path, minutes: float, small: bool) -> dict[str, Any]:
        asked.append((parts, minutes, small))
        return {"adds": {"failures": failures}}

    monkeypatch.setattr(fleet, "run", run)
    monkeypatch.setattr(fleet, "RECORD", tmp_path / "record")
    monkeypatch.setattr(sys, "argv", ["fleet", "--only", "adds", "--minutes", "3", "--record"])
    monkeypatch.chdir(tmp_path)
    assert fleet.main() == status
    assert asked == [(("adds",), 3.0, False)]
    assert json.loads((tmp_path / "build" / "engines.json").read_text()) == {"adds": {"failures": failures}}
    assert len(list((tmp_path / "record").glob("*.json"))) == 1
