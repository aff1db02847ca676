"""A stand-in for Model Runner V2: its slots and what it tells a logits processor, step by step, with draft tokens or without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from vllm import SamplingParams
from vllm.v1.worker.gpu.sample.logits_processor import LogitsContext, LogitsProcRequestState

from guard.processors.vllm.v2 import V2LogitsProcessor
from tests.guard.processors.vllm.conftest import WIDTH

LENGTH = 512


@dataclass
class Sequenced:
    """What is in a slot: the tokens of the prompt and of the answer, and the draft tokens of the next step."""

    prompt: list[int]
    output: list[int] = field(default_factory=list)
    drafts: list[int] = field(default_factory=list)


class Runner:
    """Drives a processor as the runner does. `drafts`: how many draft tokens a step may have."""

    def __init__(self, settings: Any, slots: int = 4, drafts: int = 0, *, told: bool = True) -> None:
        self.drafts = drafts
        if drafts:
            settings.speculative_config = SimpleNamespace(num_speculative_tokens=drafts, rejection_sample_method="standard")
        self.state = self.states(slots, LENGTH)
        self.processor = V2LogitsProcessor(settings, self.state)
        self.draft_tokens = torch.full((slots, drafts), -1, dtype=torch.int64)
        if drafts and told:
            self.processor.history.drafts = self.draft_tokens
        self.held: dict[int, Sequenced] = {}

    @staticmethod
    def states(slots: int, length: int, width: int = WIDTH) -> LogitsProcRequestState:
        """Return the state of a runner on the CPU."""

        def tensor(*shape: int) -> Any:
            return SimpleNamespace(gpu=torch.zeros(*shape, dtype=torch.int32))

        def backed() -> Any:
            return SimpleNamespace(np=np.zeros(slots, np.int32))

        return LogitsProcRequestState(
            device=torch.device("cpu"),
            max_num_reqs=slots,
            vocab_size=width,
            all_token_ids=tensor(slots, length),
            prompt_len=backed(),
            prefill_len=backed(),
            total_len=tensor(slots),
        )

    def add(self, *requests: tuple[int, SamplingParams, Sequence[int], Sequence[int]]) -> list[bool]:
        """Add requests in one step: for each its slot, parameters, prompt, and what it had said before it was preempted."""
        answers = []
        for slot, params, prompt, output in requests:
            self.held[slot] = Sequenced([*prompt], [*output])
            self.state.prompt_len.np[slot] = len(prompt)
            self.state.prefill_len.np[slot] = len(prompt) + len(output)
            answers.append(self.processor.add_request(slot, params))
        for slot, *_ in requests:
            self._write(slot)
            self.draft_tokens[slot] = 0
        return answers

    def commit(self, slot: int, *tokens: int) -> None:
        """Let the engine accept tokens."""
        self.held[slot].output += tokens
        self._write(slot)

    def draft(self, slot: int, *tokens: int) -> None:
        """Propose draft tokens for the next step."""
        self.held[slot].drafts = [*tokens]
        self.draft_tokens[slot] = torch.tensor([*tokens, *[-1] * (self.drafts - len(tokens))], dtype=torch.int64)

    def begin(self) -> None:
        """Begin a step."""
        self.processor.apply_staged_writes()

    def context(self, slots: Sequence[int]) -> LogitsContext:
        """Return what the runner tells about the rows of `slots`, of which each has one row more behind each draft token."""
        rows = [(slot, at) for slot in slots for at in range(len(self.held[slot].drafts) + 1)]
        fed = [([*self.held[slot].prompt, *self.held[slot].output][-1:] + self.held[slot].drafts)[at] for slot, at in rows]
        lengths = [len(self.held[slot].prompt) + len(self.held[slot].output) for slot in slots]
        return LogitsContext(
            expanded_idx_mapping=torch.tensor([slot for slot, _ in rows], dtype=torch.int32),
            idx_mapping=torch.tensor(slots, dtype=torch.int32),
            idx_mapping_np=np.array(slots, np.int32),
            expanded_local_pos=torch.tensor([at for _, at in rows], dtype=torch.int32),
            input_ids=torch.tensor(fed, dtype=torch.int32),
            pos=torch.zeros(len(rows), dtype=torch.int64),
            seq_lens_upper_bound_np=np.array(lengths, np.int32),
        )

    def step(self, slots: Sequence[int], logits: torch.Tensor | None = None) -> torch.Tensor:
        """Do one step and return its logits: those given, or 0 for each token."""
        self.begin()
        return self.apply(slots, logits)

    def apply(self, slots: Sequence[int], logits: torch.Tensor | None = None) -> torch.Tensor:
        """Edit the logits of `slots` in the step under way."""
        context = self.context(slots)
        given = torch.zeros(len(context.input_ids), WIDTH) if logits is None else logits
        return self.processor.apply(given, context)

    def _write(self, slot: int) -> None:
        tokens = [*self.held[slot].prompt, *self.held[slot].output]
        self.state.all_token_ids.gpu[slot, : len(tokens)] = torch.tensor(tokens, dtype=torch.int32)
        self.state.total_len.gpu[slot] = len(tokens)


def requests(
    given: Mapping[int, tuple[SamplingParams, Sequence[int]]],
) -> list[tuple[int, SamplingParams, Sequence[int], list[int]]]:
    """Return new requests, by slot, as `Runner.add` takes them."""
    return [(slot, params, prompt, []) for slot, (params, prompt) in given.items()]
