from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from evaluation.tinylm.__main__ import main
from evaluation.tinylm.model import read_report
from tests.evaluation.tinylm.tiny import PAIRS
from tests.paths import ROOT


def test_command_line_trains_on_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "pairs.jsonl"
    data.write_text("\n".join(json.dumps(dataclasses.asdict(pair)) for pair in PAIRS), encoding="utf-8")
    options = ["--layers", "1", "--width", "64", "--vocabulary", "300", "--epochs", "2", "--threads", "1", "--no-paraphrases"]
    assert main(["--data", str(data), "--out", str(tmp_path / "model"), "--all-epochs", *options]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'model'}\n"
    assert read_report(tmp_path / "model").epochs == 2


def test_command_line_names_the_wrong_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "pairs.jsonl"
    data.write_text('{"question": "A?", "answer": "a."}\n{"question": "B?"}\n', encoding="utf-8")
    assert main(["--data", str(data), "--out", str(tmp_path / "model")]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "pairs.jsonl:2: 'answer' is missing" in captured.err


def test_importing_the_module_leaves_torch_alone() -> None:
    check = "import sys, evaluation.tinylm.__main__; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT).returncode == 0
