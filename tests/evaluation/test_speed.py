"""The benchmark's own arithmetic, on small inputs; its figures are nobody's test."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from evaluation.speed import record, steps
from guard import Vocabulary

TOKENS = [None, *(bytes([b]) for b in b"abcdefghijklmnopqrstuvwxyz "), b" mad", b" hatter", b" tea"]


def test_walks_have_one_length_and_hold_beginnings_of_phrases() -> None:
    walked = steps.walks(list(range(1, 27)) * 200, [[28, 29]], batch=3)
    assert [len(walk) for walk in walked] == [steps.STEPS] * 3
    assert all(28 in walk for walk in walked)
    assert all(29 not in walk for walk in walked)


def test_a_measurement_covers_every_step_of_every_row(tmp_path: Path) -> None:
    restriction, cost = steps.compiled(["mad hatter", "mad tea party"], tmp_path)
    assert (cost.phrases, cost.nodes) == (2, len(restriction.automaton) + len(restriction.compact))
    assert cost.bytes_per_phrase_byte > 1
    vocabulary = Vocabulary.of(TOKENS)
    found = steps.measure(restriction, vocabulary, steps.walks(list(range(1, 27)) * 9, [[28, 29]], 4, steps=60), 2)
    assert (found.batch, found.vocabulary, found.phrases) == (4, len(TOKENS), 2)
    assert 0 < found.p50 <= found.p99
    assert found.cold_p50 <= found.cold_p99 <= found.cold_max


@pytest.fixture
def results() -> dict[str, Any]:
    step = {"phrases": 10, "p50": 9.0, "p99": 30.0, "cold_p50": 10.0, "cold_p99": 40.0, "cold_max": 99.0}
    one = {
        "steps": [{**step, "batch": batch} for batch in (1, 16, 64)],
        "compiled": [{"phrases": 10, "seconds": 0.1, "bytes_per_phrase_byte": 20.0, "nodes": 7, "load_s": 0.01}],
        "throughput": {"ratio": {10: {1: 0.9, 16: 0.98, 64: 0.97}}, "bad_words": {}, "idle_ratio": {1: 1.0, 16: 1.0, 64: 0.99}},
        "rivals": {name: [{"phrases": 10, "median_us": 1234.0, "estimated": True}] for name in "abcd"},
    }
    return {key: {name: copy.deepcopy(value) for name in ("8k", "131k")} for key, value in one.items()}


def test_the_record_has_table_plot_and_figures(results: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "FOLDER", tmp_path / "record")
    text = record.write(results, "2026-01-02").read_text()
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
