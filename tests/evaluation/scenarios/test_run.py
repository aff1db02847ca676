from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evaluation.scenarios import run as module
from evaluation.scenarios.probe import Probe, Question
from evaluation.scenarios.run import Run

PROBES = [Probe("one/1", {"version": 1}, (Question("Who?", ("keeper",)), Question("Why?")))]


def run(folder: Path, tokens: int = 8) -> Run:
    return Run(folder / "model", [PROBES], tokens, folder / "parts")


async def test_what_is_measured_is_not_measured_again(tmp_path: Path) -> None:
    first = run(tmp_path)
    first._unguarded.update({"Who?": "the keeper", "Why?": "so"})
    first._parts["one/1"].update({"flagged": [True, False], "answers": ["nobody", "so"]})
    again = run(tmp_path)
    await again.go()  # the model does not exist: nothing may be started
    assert again.figures() == {
        "one/1": {
            "leak": 0.0,
            "near leak": 0.0,
            "leak unguarded": 1.0,
            "flagged": 1.0,
            "unchanged kept": 1.0,
            "flagged kept": 0.0,
        }
    }
    with pytest.raises(KeyError):
        run(tmp_path, tokens=9).figures()


async def test_the_model_that_is_missing_is_started_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def demo_server(model: str, policy: Path, _: Any) -> Any:
        assert policy.read_text() == "version: 1\n"
        raise OSError(f"there is no model {Path(model).name}")

    monkeypatch.setattr(module, "demo_server", demo_server)
    with pytest.raises(OSError, match="no model model"):
        await run(tmp_path).go()
