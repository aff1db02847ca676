"""The command that measures over-blocking."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from evaluation.overblocking import __main__ as command


def test_it_prints_a_table_and_writes_the_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "innocent", lambda small: [("a", "Curie was there."), ("a", "Nobody was.")] if small else [])
    monkeypatch.setattr(command, "known", lambda: ["Marie Curie"])
    monkeypatch.setattr(command, "invented", lambda: ["Yrsa Tholmundardal"])
    monkeypatch.setattr(sys, "argv", ["overblocking", "--small"])
    command.main()
    written = json.loads((tmp_path / "build" / "small" / "overblocking.json").read_text())
    assert written["known"]["kinds"]["gated word"]["share"] == 0.5
    assert "known names" in capsys.readouterr().out
