from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evaluation.targets import __main__ as targets
from evaluation.targets import measure


def test_the_demo_model_and_the_count_are_measured_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 0, "progress\n/models/demo\n")

    def found(*arguments: Any) -> dict[str, Any]:
        asked.append(arguments)
        return {"import_s": 1.5}

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(measure, "measure", found)
    # It would change the environment of all tests.
    monkeypatch.setattr("server.environment.share_processor", lambda: None)
    monkeypatch.setattr(sys, "argv", ["targets", "--count", "7", "--database", "sqlite:///x"])
    monkeypatch.chdir(tmp_path)
    targets.main()
    assert asked[0][:3] == ("/models/demo", "sqlite:///x", 7)
    assert json.loads((tmp_path / "build" / "targets.json").read_text()) == {"import_s": 1.5}
