from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from evaluation.redteam.figures import Measured, kind_figures, subject_figures
from evaluation.redteam.record import table, write
from evaluation.redteam.run import Effort
from tests.evaluation.redteam.test_figures import BROKEN, KEEPS, SAYS, SUBJECT, TWIN, made


@pytest.fixture
def results() -> dict[str, Any]:
    kinds = {}
    for name, given in (("plain", SAYS), ("stream", KEEPS), ("deep", BROKEN)):
        measured = Measured([made()], [given], [SAYS], [[given] * 20], [made(case=TWIN)], [given], [SAYS])
        kinds[name] = kind_figures(measured, SUBJECT)
    probes = [
        {"name": "F2 a prompt of a megabyte", "status": 400, "defended": True},
        {"name": "x", "status": 200, "defended": False},
    ]
    oracles = {"grammar": {"facts": 12, "flagged": 0.5, "other_words": 12, "other_flagged": 0.0}}
    return {"people": {**subject_figures(kinds, probes, oracles), "effort": asdict(Effort())}}


def test_the_table_has_groups_kinds_probes_and_oracles(results: dict[str, Any]) -> None:
    shown = table(results, "2026-01-02")
    assert "| words | 33.33% [6.1%, 79.2%] | 100.00%" in shown
    assert "| plain | 1 | 0.0% | 100.0% | 100.0% | 20 | 100.0% |" in shown
    assert "Kinds beyond a goal: leak_at_1: plain; leak_at_20: plain; over_blocking:" not in shown
    assert "leak_at_1: plain; leak_at_20: plain" in shown
    assert "Faults: deep: 500 broken." in shown
    assert "| x | 200 | **no** |" in shown
    assert "Oracle `grammar`: it flags 50% of 12 facts" in shown


@pytest.mark.slow
def test_a_record_is_a_table_a_plot_and_figures(results: dict[str, Any], tmp_path: Path) -> None:
    path = write(results, "2026-01-02", tmp_path / "record")
    assert path.read_text() == table(results, "2026-01-02")
    held = json.loads((path.parent / "2026-01-02.json").read_text())
    assert held["people"]["leak_at_1"] == {"plain": 1.0, "stream": 0.0, "deep": 0.0}
    assert (path.parent / "2026-01-02-people.png").read_bytes().startswith(b"\x89PNG")
