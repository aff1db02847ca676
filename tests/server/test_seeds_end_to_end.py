"""Requests with a seed on a CPU whose prompts are read in parts. `test_engine_contract.py` preempts some."""

from __future__ import annotations

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
