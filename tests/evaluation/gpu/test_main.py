"""The command of the GPU benchmark."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from evaluation.gpu import __main__ as command
from evaluation.gpu import measure


def test_it_writes_figures_where_it_is_told_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu", "--small", "--out", str(tmp_path), "--prepared", "made"])
    asked = []

    def measured(effort: measure.Effort, prepared: Path | None, tekken: Path | None) -> dict[str, object]:
        asked.append((effort, prepared, tekken))
        return {"device": "none", "measured": False}

    monkeypatch.setattr(measure, "measure", measured)
    assert command.main() == 0
    assert asked == [(measure.SMALL, Path("made"), None)]
    assert (tmp_path / "gpu.json").is_file()
    assert f"written to {tmp_path / 'gpu.md'}" in capsys.readouterr().out


def test_it_only_prepares_if_asked_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu", "--small", "--prepare", str(tmp_path / "made")])
    monkeypatch.setattr(measure, "prepare", lambda effort, folder: folder.mkdir())
    assert command.main() == 0
    assert (tmp_path / "made").is_dir()
