from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from guard.processors.vllm.rewinding import Rewinding


def runner(*seeds: int | None) -> Any:
    """A model runner with a request for each seed; None: without one."""
    names = [f"r{at}" for at in range(len(seeds))]
    made = [None if seed is None else torch.Generator("cpu").manual_seed(seed) for seed in seeds]
    generators = {at: one for at, one in enumerate(made) if one is not None}
    requests = {name: SimpleNamespace(generator=one) for name, one in zip(names, made, strict=True)}
    return SimpleNamespace(input_batch=SimpleNamespace(generators=generators, req_ids=names), requests=requests)


def drawn(generator: torch.Generator) -> list[float]:
    made: list[float] = torch.empty(3).exponential_(generator=generator).tolist()
    return made


def discard(generator: Any) -> None:
    """What vLLM 0.32 does in `GPUModelRunner._bookkeeping_sync`."""
    generator.set_offset(generator.get_offset() - 4)


def test_torch_has_no_offset_on_a_cpu() -> None:
    with pytest.raises(RuntimeError, match="does not use offset"):
        discard(torch.Generator("cpu"))


def test_a_token_that_is_thrown_away_uses_up_nothing() -> None:
    expected = torch.Generator("cpu").manual_seed(7)
    tokens = [drawn(expected) for _ in range(3)]
    made = runner(None, 7)
    rewinding, generators = Rewinding(made), made.input_batch.generators
    found = []
    for thrown_away in (True, True, False, True, False, False):
        rewinding.keep()
        token = drawn(generators[1])
        if thrown_away:
            discard(generators[1])
        else:
            found.append(token)
    assert found == tokens


def test_a_request_that_was_preempted_goes_on_with_its_own_generator() -> None:
    made = runner(3)
    rewinding = Rewinding(made)
    rewinding.keep()
    first = made.input_batch.generators.pop(0)
    # As vLLM adds it to the batch again.
    made.input_batch.generators[0] = made.requests["r0"].generator
    rewinding.keep()
    assert made.input_batch.generators[0] is first
