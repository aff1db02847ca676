from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from evaluation.speed import __main__ as speed
from evaluation.speed import bench, decoding, forms, record

DEMO = {
    "tokens_per_s": {"unguarded": 1234.0, "guarded": 1111.0},
    "ratio_to_unguarded": {"guarded": 0.9},
    "startup_s": {"engine": 31.04},
    "training_s": 40.0,
    "install_s": None,
}


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str) -> dict[str, Any]:
    """Run the command line in a folder and return what it wrote into build/bench.json."""
    monkeypatch.setattr(sys, "argv", ["speed", *arguments])
    monkeypatch.chdir(folder)
    speed.main()
    found: dict[str, Any] = json.loads((folder / "build" / "bench.json").read_text())
    return found


def test_the_demo_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    async def measure(*_: Any) -> dict[str, Any]:
        return DEMO

    monkeypatch.setattr(bench, "measure", measure)
    monkeypatch.setattr(decoding, "measure", None)
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "bench.json").write_text('{"another": 1, "install_s": 5}')
    found = run(monkeypatch, tmp_path, "--only", "demo")
    assert {name: found[name] for name in DEMO} == DEMO
    assert found["another"] == 1
    printed = capsys.readouterr().out
    assert "1,111  (90.0% of unguarded)" in printed
    assert "31.0 s" in printed
    assert "installing" not in printed


@pytest.mark.slow
def test_decoding_alone_with_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, results: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []

    def measure(*arguments: Any, with_rivals: bool) -> dict[str, Any]:
        asked.append(with_rivals)
        return results

    monkeypatch.setattr(bench, "measure", None)
    monkeypatch.setattr(decoding, "measure", measure)
    monkeypatch.setattr(record, "FOLDER", tmp_path / "record")
    found = run(monkeypatch, tmp_path, "--only", "decoding", "--no-rivals", "--record", "today")
    assert asked == [False]
    assert found["throughput_ratio"]["10"]["16"] == 0.98
    assert (tmp_path / "record" / "today.md").read_text() in capsys.readouterr().out


def test_forms_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    costs: list[int] = []

    def measure(count: int, length: int = 0) -> dict[str, Any]:
        costs.append(count)
        return {"nodes_ratio": 2.5}

    monkeypatch.setattr(forms, "measure", measure)
    monkeypatch.setattr(forms, "table", lambda found: f"nodes {found['nodes_ratio']}")
    assert run(monkeypatch, tmp_path, "--only", "forms")["forms"] == {"nodes_ratio": 2.5}
    assert costs == [100_000]
    assert "nodes 2.5" in capsys.readouterr().out
