from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evaluation.answers import serving
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

    monkeypatch.setattr(serving, "demo_server", demo_server)
    with pytest.raises(OSError, match="no model model"):
        await run(tmp_path).go()


async def test_a_policy_is_imported_once_and_answers_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same policy again is followed by no calibration, for which the run would wait."""
    done: list[str] = []

    @asynccontextmanager
    async def demo_server(*_: Any) -> AsyncIterator[Any]:
        yield SimpleNamespace(state=SimpleNamespace(service=None))

    async def imported(app: Any, policy: str) -> None:
        done.append(policy.strip())

    async def calibrated(self: serving.Serving) -> None:
        done.append("calibrated")

    async def ask(self: Run, probe: Probe, app: Any, service: Any) -> None:
        done.append(probe.name)

    monkeypatch.setattr(serving, "demo_server", demo_server)
    monkeypatch.setattr(serving, "import_policy", imported)
    monkeypatch.setattr(serving.Serving, "calibrated", calibrated)
    monkeypatch.setattr(Run, "_ask", ask)
    questions = (Question("Who?", ("keeper",)),)
    policies = {"one": {"version": 1}, "two": {"version": 1}, "done": {"version": 1}, "three": {"version": 2}}
    probes = [Probe(name, policy, questions) for name, policy in policies.items()]
    made = Run(tmp_path / "model", [probes], 8, tmp_path / "parts")
    made._parts["done"].update({"flagged": [True], "answers": ["nobody"]})
    await made.go()
    assert done == ["calibrated", "one", "two", "version: 2", "calibrated", "three"]
