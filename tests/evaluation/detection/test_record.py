from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evaluation.detection.record import keys, plot, table

FOUND = {"recall": {"original": 1.0, "paraphrased": 0.9975}, "false_alarms": {"retain": 0.0025, "background": 0.01}}
RIVAL = {"recall": {"original": 0.5, "paraphrased": 0.25}, "false_alarms": {"retain": 0.125}}
RESULTS: dict[str, Any] = {
    "side_by_side": {"forget10": {"guard-server": FOUND, "rival": RIVAL}},
    "attacks": {"plain": 0.9975, "reverse_blank": 0.125},
    "promised": {
        "with names, alpha 0.01": {"mean": 0.005, "max": 0.02, "missed": [0.0, 0.02, 0.0], "limits": [0.0, -0.5, -0.25]},
    },
    "growth": [
        {"targets": 1, "recall": 1.0, "false_alarms": {"retain": 0.0}, "latency_ms": 1.25, "build_s": 0.5, "memory_mb": 900.0},
        {"targets": 1000, "recall": 0.5, "false_alarms": {"retain": 0.25}, "latency_ms": 2.5, "build_s": 1.5, "memory_mb": 950.0},
    ],
    "extraction": {"split": "report"},
    "latency_ms": {"32": {"median": 3.5}},
}


def test_keys_are_those_of_forget10() -> None:
    found = keys(RESULTS)
    assert found["recall"] == {"original": 1.0, "paraphrased": 0.9975, "attack: plain": 0.9975, "attack: reverse_blank": 0.125}
    assert found["false_alarms"] == FOUND["false_alarms"]
    assert found["latency_ms"] == RESULTS["latency_ms"]
    assert json.loads(json.dumps(found))["results"] == RESULTS


def test_the_table_gives_percent() -> None:
    lines = table(RESULTS, "2026-01-02").splitlines()
    assert lines[0] == "# Detection benchmark, 2026-01-02"
    assert "| | original | paraphrased | false: retain |" in lines
    assert "| guard-server | 100.00 | 99.75 | 0.25 |" in lines
    assert "| rival | 50.00 | 25.00 | 12.50 |" in lines
    assert "| plain | 99.75 |" in lines
    assert any(line.startswith("| reverse_blank (no goal") and line.endswith("| 12.50 |") for line in lines)
    # One of three halves missed more than one in a hundred.
    assert "| with names, alpha 0.01 | 0.50 | 2.00 | 1 | -0.250 |" in lines
    assert "| 1,000 | 50.00 | 25.00 | 2.5 | 1.5 | 950 |" in lines
    assert any("background" in line and "1.00" in line for line in lines)
    assert "![detection](2026-01-02.png)" in lines
    assert "## Growth" not in table({**RESULTS, "growth": []}, "x")


@pytest.mark.slow
def test_the_plot_is_drawn_with_and_without_growth(tmp_path: Path) -> None:
    for name, results in (("with", RESULTS), ("without", {**RESULTS, "growth": []})):
        file = tmp_path / f"{name}.png"
        plot(results, file)
        assert file.read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "with.png").read_bytes() != (tmp_path / "without.png").read_bytes()
