"""Figures as the decode-time benchmark makes them."""

from __future__ import annotations

import copy
from typing import Any

import pytest


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
