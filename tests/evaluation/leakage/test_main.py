from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from evaluation.leakage import __main__ as leakage
from evaluation.leakage import demo


def test_the_shares_are_printed_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def evaluate(*_: Any) -> demo.Leakage:
        leaked, exact = {"unguarded": 0.75, "guarded": 0.0}, {"unguarded": 1.0, "guarded": 0.875}
        return demo.Leakage(4, 8, leaked, exact, unchanged=0.5, silent=0.25)

    monkeypatch.setattr(demo, "evaluate", evaluate)
    monkeypatch.setattr(sys, "argv", ["leakage"])
    monkeypatch.chdir(tmp_path)
    leakage.main()
    written = json.loads((tmp_path / "build" / "eval.json").read_text())
    assert written["leaked"] == {"unguarded": 0.75, "guarded": 0.0}
    assert (written["forgotten_questions"], written["unchanged"]) == (4, 0.5)
    printed = capsys.readouterr().out
    for share in ("75.0%", "0.0%", "100.0%", "87.5%", "50.0%", "25.0%"):
        assert share in printed
