from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evaluation.demo import POLICY, SAMPLE_QUESTIONS
from evaluation.demo import __main__ as demo


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The command lines that this process would have become."""
    found: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda program, arguments: found.append([program, *arguments[1:]]))
    monkeypatch.setattr(demo, "demo_model", lambda: "/models/demo")
    return found


def test_serve_asks_the_sample_questions_and_passes_options_on(became: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["demo", "serve", "--port", "1"])
    demo.main()
    (command,) = became
    assert Path(command[0]) == Path(sys.executable).with_name("guard-server")
    assert command[1:4] == ["serve", "--port", "1"]
    assert [command[at + 1] for at, word in enumerate(command) if word == "--sample"] == list(SAMPLE_QUESTIONS)
    at = command.index("--model")
    assert command[at:] == ["--model", "/models/demo", "--policy", str(POLICY), "--", *demo.ENGINE]


def test_ask_asks_that_question_alone(became: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["demo", "ask", "Who is it?"])
    demo.main()
    assert became[0][1:3] == ["ask", "Who is it?"]
    assert "--sample" not in became[0]


def test_nothing_said_means_serve(became: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["demo"])
    demo.main()
    assert became[0][1:3] == ["serve", "--sample"]


def test_the_model_is_the_last_line_that_training_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        assert command == [sys.executable, "-m", "evaluation.tinylm"]
        assert options["check"]
        return subprocess.CompletedProcess(command, 0, "something else\n/models/demo\n")

    monkeypatch.setattr(subprocess, "run", run)
    assert demo.demo_model() == "/models/demo"
