from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evaluation.soak.record import faults, machine, table, write

RESULTS: dict[str, Any] = {
    "seconds": 1800,
    "clients": 16,
    "phrases": 100_000,
    "statuses": {"stream 200": 900, "change 200": 30},
    "failures": 0,
    "ends": {"length": 800, "left": 50},
    "lost": [],
    "pauses_s": [(3.0, 1.5), (9.0, 2.0)],
    "server_errors": [],
    "asked": 45,
    "cut": 40,
    "hits": 60,
    "change_ms": {"count": 30, "p50": 120.0, "p99": 300.0, "max": 310.0},
    "memory_mb": [2000.0, 2010.0],
    "growth": 0.005,
    "machine": "2 cores",
    "samples": [{"seconds": float(s), "total": 2000.0, "by_process": {"guard-server 1": 900.0, "git 2": 1.0}} for s in range(5)],
    "faults": [],
}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, None),
        ({"growth": 0.06}, "memory grew by 6.0%"),
        ({"ends": {"lost": 2}}, "2 streams were lost"),
        ({"failures": 1}, "5xx"),
        ({"hits": 0}, "no answer was about to say"),
    ],
)
def test_each_broken_promise_is_a_fault(wrong: dict[str, Any], said: str | None) -> None:
    found = faults({**RESULTS, **wrong})
    assert len(found) == (said is not None)
    assert all(said in fault for fault in found if said)


def test_a_small_run_is_too_short_to_judge_memory() -> None:
    assert faults({**RESULTS, "growth": 1.0}, judges_memory=False) == []


@pytest.mark.slow
def test_the_record_has_figures_a_table_and_a_plot(tmp_path: Path) -> None:
    path = write({**RESULTS, "faults": ["something grew"], "machine": machine()}, "2026-01-02", tmp_path / "record")
    assert json.loads(path.with_suffix(".json").read_text())["growth"] == 0.005
    assert "**something grew**" in path.read_text()
    assert path.with_suffix(".png").stat().st_size > 1000
    assert "No fault." in table(RESULTS, "2026-01-02")
