"""`python -m evaluation.detection` writes what was measured. The file of `__main__`."""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

import pytest

import classifiers
from evaluation.detection import __main__, extraction, growth, measure, record
from evaluation.speed import screening
from server import environment
from tests.evaluation.detection.test_record import RESULTS


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where it runs; the measurements are replaced."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(classifiers, "SentenceEncoder", lambda: None)
    monkeypatch.setattr(environment, "share_processor", lambda: None)
    kept = ("side_by_side", "attacks", "promised")
    monkeypatch.setattr(measure, "measure", lambda *_: copy.deepcopy({name: RESULTS[name] for name in kept}))
    for module, name in ((extraction, "extraction"), (screening, "latency_ms")):
        monkeypatch.setattr(module, "measure", lambda *_, name=name: RESULTS[name])
    monkeypatch.setattr(growth, "grow", lambda *_: RESULTS["growth"])
    monkeypatch.setattr(record, "FOLDER", tmp_path / "record")
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["detection", *arguments])
    __main__.main()


def written(folder: Path) -> dict[str, Any]:
    results: dict[str, Any] = json.loads((folder / "build" / "detection.json").read_text())
    return results


@pytest.mark.slow
def test_without_a_record_everything_is_in_build(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch)
    assert written(folder) == record.keys(RESULTS)
    assert {path.name for path in (folder / "build").iterdir()} == {"detection.json", "latest.md", "latest.png"}
    assert capsys.readouterr().out == record.table(RESULTS, "latest") + "\n"
    assert not (folder / "record").exists()


@pytest.mark.slow
def test_a_record_is_kept_under_its_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, "--record", "today", "--no-growth")
    assert (folder / "record" / "today.md").read_text() == record.table({**RESULTS, "growth": []}, "today")
    assert (folder / "record" / "today.png").is_file()
    assert written(folder)["results"]["growth"] == []
