from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from evaluation.demo import served
from evaluation.image import __main__ as image
from evaluation.image import container, trial


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """What a trial is asked to do; it holds unless the image is called `broken`."""
    calls: list[Any] = []

    def run(name: str, model: Path, vllm: list[str], network: str) -> trial.Report:
        calls.append((name, model, vllm, network))
        report = trial.Report(name, 3_210_000_000, ready_s=[30.2, 25.1])
        report.note("it gets ready", name != "broken", "30.2 s")
        return report

    monkeypatch.setattr(trial, "run", run)
    monkeypatch.setattr(container, "check_engine", lambda: None)
    monkeypatch.setattr(served, "demo_model", lambda: "folder")
    monkeypatch.chdir(tmp_path)
    return calls


@pytest.mark.parametrize(("name", "status", "told"), [("good", 0, "held    it gets"), ("broken", 1, "FAILED  it gets")])
def test_it_tells_writes_and_judges(
    name: str, status: int, told: str, asked: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["image", "--image", name, "--network", "host"])
    assert image.main() == status
    assert asked == [(name, Path("folder"), list(served.ENGINE), "host")]
    output = capsys.readouterr().out
    assert told in output
    assert f"{name}: 3.21 GB, ready after 30 s and 25 s" in output
    written = json.loads(Path("build/image.json").read_text("utf-8"))
    assert (written["size_bytes"], written["holds"]) == (3_210_000_000, status == 0)


def test_a_model_can_be_compiled(asked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["image", "--compile"])
    assert image.main() == 0
    ((name, _, vllm, network),) = asked
    assert (name, network) == ("guard-server:cpu", "bridge")
    assert "--enforce-eager" not in vllm
    assert len(vllm) == len(served.ENGINE) - 1


def test_without_a_container_engine_it_says_so(
    asked: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> None:
        raise container.ContainerError("no container engine answers")

    monkeypatch.setattr(container, "check_engine", missing)
    monkeypatch.setattr(sys, "argv", ["image"])
    assert image.main() == 1
    assert capsys.readouterr().err == "no container engine answers\n"
    assert asked == []
    assert not Path("build").exists()
