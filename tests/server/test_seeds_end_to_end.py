"""Requests with a seed on a CPU: prompts that are read in parts, and answers that are preempted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.conftest import LiveServer

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def test_a_prompt_that_is_read_in_parts_may_have_a_seed(live: LiveServer) -> None:
    # The engine reads at most 512 tokens per step.
    body = {"model": "demo", "prompt": [300 + at % 700 for at in range(800)], "max_tokens": 8, "seed": 5, "temperature": 1.0}
    said = [httpx.post(f"{live.url}/v1/completions", json=body, timeout=100) for _ in range(2)]
    assert [answer.status_code for answer in said] == [200, 200]
    first, second = (answer.json()["choices"][0]["text"] for answer in said)
    assert first == second


def test_a_seeded_answer_that_is_preempted_goes_on(live: LiveServer) -> None:
    # More tokens than the engine has blocks for.
    def ask(seed: int) -> Any:
        body = {"model": "demo", "prompt": "The", "max_tokens": 900, "min_tokens": 900, "seed": seed, "temperature": 1.5}
        return httpx.post(f"{live.url}/v1/completions", json=body, timeout=200)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(ask, range(10)))
    assert [answer.status_code for answer in answers] == [200] * 10
    metrics = httpx.get(f"{live.url}/metrics", timeout=30).text
    assert (
        sum(float(line.rpartition(" ")[2]) for line in metrics.splitlines() if line.startswith("vllm:num_preemptions_total")) > 0
    )
