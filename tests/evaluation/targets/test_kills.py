from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from evaluation.targets import enginekills, kills
from evaluation.targets.kills import play


@pytest.mark.slow
def test_a_killed_import_is_there_or_not() -> None:
    found = play(3, seed=7)
    assert sum(found.values()) == 3


@pytest.mark.parametrize(("arguments", "engine"), [([], None), (["--engine", "2"], [{"state": "old"}])])
def test_kills_with_and_without_an_engine_are_told(
    arguments: list[str], engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kills, "play", lambda points, seed: {"old": points, "seed": seed})
    monkeypatch.setattr(enginekills, "play", lambda model, points, seed: engine if (model, points) == ("demo", 2) else None)
    monkeypatch.setattr("evaluation.demo.served.demo_model", lambda: "demo")
    monkeypatch.setattr("evaluation.targets.wholeserver.end_by_sigterm", lambda: None)
    record = tmp_path / "found.json"
    monkeypatch.setattr(sys, "argv", ["kills", "--points", "4", "--seed", "6", "--record", str(record), *arguments])
    kills.main()
    found = json.loads(record.read_text())
    assert found["points"] == {"old": 4, "seed": 6}
    assert found.get("engine") == engine
