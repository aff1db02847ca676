from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from evaluation.targets.figures import spread, tell


def test_percentiles_are_values_that_were_seen() -> None:
    values = [float(n) for n in range(1, 201)]
    random.Random(0).shuffle(values)
    assert spread(values) == {"count": 200, "p50": 100.0, "p99": 198.0, "max": 200.0}
    assert spread([3.0]) == {"count": 1, "p50": 3.0, "p99": 3.0, "max": 3.0}
    assert spread([]) == {"count": 0}


def test_figures_are_told_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tell({"a": 1}, tmp_path / "record" / "x.json")
    assert json.loads((tmp_path / "record" / "x.json").read_text()) == json.loads(capsys.readouterr().out) == {"a": 1}
