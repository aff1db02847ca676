from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from evaluation.speed import throughput


def test_idle_ratios_compare_medians() -> None:
    found = throughput.Throughput(100, unrestricted={1: [9.0, 11.0, 100.0], 16: [50.0]}, absent={1: [10.0, 20.0, 30.0]})
    assert found.idle_ratio == {1: 11.0 / 20.0}


def test_prompts_are_different_and_the_same_in_every_run() -> None:
    made = throughput.prompts(131_072, 16)
    assert made == throughput.prompts(131_072, 16)
    assert len({tuple(prompt) for prompt in made}) == 16
    assert {len(prompt) for prompt in made} == {throughput.PROMPT}
    assert all(1100 <= token < 8000 for prompt in made for token in prompt)
    assert max(token for prompt in throughput.prompts(1200, 16) for token in prompt) < 1200


async def test_every_prompt_is_generated_at_once_with_the_parameters() -> None:
    asked: list[tuple[list[int], Any, str]] = []

    class Client:
        async def generate(self, prompt: dict[str, list[int]], sampling: Any, request_id: str) -> AsyncIterator[None]:
            asked.append((prompt["prompt_token_ids"], sampling, request_id))
            yield None

    rate = await throughput.run(Client(), [[1, 2], [3, 4]], 7, extra_args={"guard": ["digest"]})
    assert rate > 0
    assert [ids for ids, _, _ in asked] == [[1, 2], [3, 4]]
    assert len({request_id for _, _, request_id in asked}) == 2
    for _, sampling, _ in asked:
        assert (sampling.max_tokens, sampling.ignore_eos, sampling.extra_args) == (7, True, {"guard": ["digest"]})
