from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from evaluation.demo import __main__ as demo
from evaluation.demo.served import DEMOS, ServedDemo


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The command lines that this process would have become."""
    found: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda program, arguments: found.append([program, *arguments[1:]]))
    monkeypatch.setattr(ServedDemo, "model", lambda self: f"/models/{self.maker}")
    return found


@pytest.mark.parametrize(("flags", "name"), [([], "known"), (["--demo", "people"], "people"), (["--demo", "known"], "known")])
def test_serve_asks_the_demo_s_questions_and_passes_options_on(became: list[list[str]], flags: list[str], name: str) -> None:
    demo.main([*flags, "serve", "--port", "1"])
    (command,) = became
    chosen = DEMOS[name]
    assert Path(command[0]) == Path(sys.executable).with_name("guard-server")
    assert command[1:4] == ["serve", "--port", "1"]
    assert [command[at + 1] for at, word in enumerate(command) if word == "--sample"] == list(chosen.questions)
    at = command.index("--model")
    assert command[at:] == ["--model", f"/models/{chosen.maker}", "--policy", str(chosen.policy), "--", *chosen.engine]


def test_ask_asks_that_question_alone(became: list[list[str]]) -> None:
    demo.main(["ask", "Who is it?"])
    assert became[0][1:3] == ["ask", "Who is it?"]
    assert "--sample" not in became[0]


def test_nothing_said_means_serve(became: list[list[str]]) -> None:
    demo.main([])
    assert became[0][1:3] == ["serve", "--sample"]


def test_an_unknown_demo_is_refused(became: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        demo.main(["--demo", "poeple", "serve"])
    assert "known" in capsys.readouterr().err
    assert became == []


def test_a_model_that_cannot_be_made_ends_it_without_a_traceback(
    became: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: ServedDemo) -> str:
        raise subprocess.CalledProcessError(3, ["it"])

    monkeypatch.setattr(ServedDemo, "model", fails)
    with pytest.raises(SystemExit) as ended:
        demo.main(["serve"])
    assert ended.value.code == 3
    assert became == []
