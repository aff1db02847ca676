"""`python -m evaluation.detection.judge` writes what was measured."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from evaluation.detection import judge, judging
from evaluation.detection.judging import Judged


@pytest.mark.parametrize(("options", "folder", "targets"), [([], "build", 10), (["--small"], "build/small", 2)])
def test_figures_are_written_and_printed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    folder: str,
    targets: int,
) -> None:
    async def run(model: str, asked: Sequence[Judged]) -> dict[str, Any]:
        return {"model": model, "targets": len(asked)}

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(judging, "run", run)
    monkeypatch.setattr(judging, "table", lambda figures: f"{figures['targets']} targets")
    monkeypatch.setattr(sys, "argv", ["judge", "--model", "m", *options])
    judge.main()
    assert json.loads((tmp_path / folder / "judge.json").read_text()) == {"model": "m", "targets": targets}
    assert capsys.readouterr().out == f"{targets} targets\n"
