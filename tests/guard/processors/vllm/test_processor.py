"""One class for both model runners, and the processor that a running worker has."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from vllm.v1.sample.logits_processor import LogitsProcessor as V1Interface
from vllm.v1.worker.gpu.sample.logits_processor import LogitsProcessor as V2Interface

from guard.errors import ArgumentError
from guard.processors.vllm.processor import GuardLogitsProcessor, live
from guard.processors.vllm.v1 import V1LogitsProcessor
from guard.processors.vllm.v2 import V2LogitsProcessor
from tests.guard.processors.vllm.conftest import params
from tests.guard.processors.vllm.runner import Runner


def test_each_runner_gets_its_own_processor(settings: Any) -> None:
    assert issubclass(GuardLogitsProcessor, V1Interface)
    assert issubclass(GuardLogitsProcessor, V2Interface)
    assert isinstance(GuardLogitsProcessor(settings, torch.device("cpu"), False), V1LogitsProcessor)
    assert isinstance(GuardLogitsProcessor(settings, Runner.states(2, 8)), V2LogitsProcessor)


def test_vllm_s_front_end_refuses_what_is_malformed() -> None:
    with pytest.raises(ArgumentError):
        GuardLogitsProcessor.validate_params(params(["not a digest"]))


def v1_runner(*processors: object) -> SimpleNamespace:
    return SimpleNamespace(device="cpu", input_batch=SimpleNamespace(logitsprocs=SimpleNamespace(all=list(processors))))


def test_the_requests_of_a_live_processor_are_found(processor: V1LogitsProcessor) -> None:
    assert live(v1_runner(object(), processor)) is processor.requests
    assert processor.rewinding


def test_the_requests_of_a_live_processor_of_v2_are_found_and_its_drafts_are_told(settings: Any) -> None:
    processor = V2LogitsProcessor(settings, Runner.states(2, 8))
    drafts = torch.zeros(2, 3)
    runner = SimpleNamespace(
        num_speculative_steps=3,
        req_states=SimpleNamespace(draft_tokens=drafts),
        sampler=SimpleNamespace(logits_processors=[object(), processor]),
    )
    assert live(runner) is processor.requests
    assert processor.history.drafts is drafts


def test_without_the_processor_no_requests_are_found() -> None:
    assert live(v1_runner(object())) is None
    assert live(SimpleNamespace(sampler=SimpleNamespace(logits_processors=[object()]))) is None
    assert live(SimpleNamespace(sampler=None)) is None
