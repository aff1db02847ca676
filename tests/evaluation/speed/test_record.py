from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evaluation.speed import record


@pytest.mark.slow
def test_the_record_has_table_plot_and_figures(results: dict[str, Any], tmp_path: Path) -> None:
    text = record.write(results, "2026-01-02", tmp_path / "record").read_text()
    assert "| 10 | 131k | 0.900 | 0.980 | 0.970 |" in text
    assert "1,234*" in text
    assert {path.suffix for path in (tmp_path / "record").iterdir()} == {".md", ".png", ".json"}


def test_the_keys_of_bench_json(results: dict[str, Any]) -> None:
    keys = record.keys(results)
    assert keys["mask_us"] == {10: {"p50": 9.0, "p99": 30.0}}
    assert keys["throughput_ratio"][10][16] == 0.98
    assert {"idle_ratio", "compile_s", "bytes_per_phrase_byte", "rivals", "idle_ratio_8k"} <= keys.keys()


def test_a_record_of_the_large_vocabulary_alone(results: dict[str, Any]) -> None:
    alone = {key: {"131k": found["131k"]} for key, found in results.items()}
    assert "idle_ratio_8k" not in record.keys(alone)
    assert "| 10 | 131k | 0.900 |" in record.table(alone, "small")


def test_a_record_without_an_engine_without_the_guard(results: dict[str, Any]) -> None:
    assert "processor idle" in record.table(results, "full")
    throughput = {name: {**found, "idle_ratio": {}} for name, found in results["throughput"].items()}
    assert "processor idle" not in record.table({**results, "throughput": throughput}, "small")
