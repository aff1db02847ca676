from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from evaluation.smollm import __main__ as command
from evaluation.smollm.wheel import ModelError


def test_the_folder_is_the_last_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(command, "cached_model", lambda: tmp_path)
    assert command.main([]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path)


@pytest.mark.parametrize("error", [ModelError("there is no network"), OSError("the disk is full"), ValueError("no model")])
def test_an_error_is_one_line(error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> Path:
        raise error

    monkeypatch.setattr(command, "cached_model", fails)
    assert command.main([]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == f"python -m evaluation.smollm: {error}\n"


@pytest.mark.slow
def test_a_cached_model_needs_no_torch() -> None:
    check = "import sys, evaluation.smollm.__main__; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)
