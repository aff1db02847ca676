from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from evaluation.answers import __main__ as answers
from evaluation.answers import figures, fluency, record, run
from evaluation.demo import served


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, Any, tuple[str, ...]]]:
    """Runs that measure nothing; each is remembered as its subject, effort and systems."""
    runs: list[tuple[str, Any, tuple[str, ...]]] = []

    class Nothing:
        def __init__(self, subject: run.Subject, effort: run.Effort, folder: Path, systems: Any) -> None:
            runs.append((subject.name, effort, tuple(systems)))
            folder.mkdir(parents=True, exist_ok=True)

        async def go(self) -> None:
            pass

        def judge_likelihood(self, *_: Any) -> None:
            pass

    monkeypatch.setattr(run, "Run", Nothing)
    monkeypatch.setattr(fluency, "Likelihood", lambda _: None)
    monkeypatch.setattr(served.ServedDemo, "model", lambda _: "model")
    monkeypatch.setattr(figures, "figures", lambda *_: {"none": {"exact": len(runs)}})
    monkeypatch.setattr(record, "table", lambda *_: "the table")
    monkeypatch.setattr(record, "write", lambda results, name, folder: folder / name)
    monkeypatch.chdir(tmp_path)
    return runs


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["answers", *arguments])
    return answers.main()


def test_both_models_are_asked(made: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch) == 0
    assert [(name, effort) for name, effort, _ in made] == [("known", run.FULL), ("people", run.FULL)]
    found = json.loads(Path("build/answers.json").read_text())
    assert found["none"]["exact"] == 1
    assert found["people"]["none"]["exact"] == 2
    assert "the table" in (out := capsys.readouterr().out)
    assert "written to" not in out


def test_the_small_form_asks_the_demo_model_and_writes_a_record(
    made: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    call(monkeypatch, "--small")
    assert made == [("people", run.SMALL, ("none", "prompt", "filter", "beam", "default"))]
    assert "people" in json.loads(Path("build/small/answers.json").read_text())
    assert "written to build/small/" in capsys.readouterr().out


def test_options_are_heard(made: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    kept = Path("build/answers/known/none.json")
    kept.parent.mkdir(parents=True)
    kept.touch()
    arguments = ["--only", "known", "--samples", "0", "--sampled", "5", "--tokens", "9", "--systems", "none", "filter"]
    call(monkeypatch, *arguments, "--record", "today")
    ((name, effort, systems),) = made
    assert (name, effort.samples, effort.sampled, effort.tokens, systems) == ("known", 0, 5, 9, ("none", "filter"))
    assert "record/today" in capsys.readouterr().out
    assert kept.exists()
    call(monkeypatch, *arguments, "--fresh")
    assert not kept.exists()


def test_a_wrong_system_is_told(made: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call(monkeypatch, "--systems", "none", "nonsense")
    assert "no such system here: nonsense" in capsys.readouterr().err
    assert not made
