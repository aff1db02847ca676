"""The calls of Model Runner V2 around a decoder, in the order in which vLLM 0.32 makes them, with vLLM's asynchronous scheduling.

The answers are texts that are given, so that the guard sees what a model says: the sampled tokens are thrown away. The host waits
for the tokens of a step while the device computes the next one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from vllm.v1.worker.gpu.sample.logits_processor import LogitsContext, LogitsProcRequestState

from evaluation.gpu.shape import Decoder
from guard.decoding.cursor import Cursor
from guard.decoding.masks import Masks

WARM_UP = 20
"""Steps that are not timed."""


@dataclass(frozen=True)
class Times:
    """Milliseconds from one step to the next, as median and 99th percentile; and the host's in the processor, waiting too."""

    p50: float
    p99: float
    host_p50: float


def states(slots: int, length: int, vocabulary: int, device: torch.device) -> LogitsProcRequestState:
    """Return the state of a runner with `slots` that hold at most `length` tokens each."""

    def tensor(*size: int) -> Any:
        return SimpleNamespace(gpu=torch.zeros(*size, dtype=torch.int32, device=device))

    def backed() -> Any:
        return SimpleNamespace(np=np.zeros(slots, np.int32))

    return LogitsProcRequestState(
        device=device,
        max_num_reqs=slots,
        vocab_size=vocabulary,
        all_token_ids=tensor(slots, length),
        prompt_len=backed(),
        prefill_len=backed(),
        total_len=tensor(slots),
    )


class Loop:
    """Steps of sequences that say the texts `walks`, with `drafts` draft tokens each, of which none, some or all are accepted."""

    def __init__(
        self, decoder: Decoder, walks: Sequence[Sequence[int]], drafts: int, device: torch.device, vocabulary: int
    ) -> None:
        self._decoder, self._drafts, self._device = decoder, drafts, device
        self._batch, length = len(walks), len(walks[0])
        self.states = states(self._batch, length + 1, vocabulary, device)
        self._walks = torch.tensor(walks, dtype=torch.int32, device=device)
        self.draft_tokens = torch.zeros(self._batch, drafts, dtype=torch.int64, device=device)
        self._slots = torch.arange(self._batch, dtype=torch.int32, device=device)
        each = drafts + 1
        self._expanded = self._slots.repeat_interleave(each)
        self._local = torch.arange(each, dtype=torch.int32, device=device).repeat(self._batch)
        self._at = 1
        self._total = self.states.total_len.gpu
        self.states.all_token_ids.gpu[:, 0] = self._walks[:, 0]
        self._total.fill_(1)
        self.states.prompt_len.np[:] = self.states.prefill_len.np[:] = 1

    def run(self, processor: Any, steps: int) -> Times:
        """Do steps with a processor, or without one, and return what they took."""
        times, host = list[float](), list[float]()
        waiting: tuple[torch.Tensor, torch.Event | None] | None = None
        last = time.perf_counter()
        for number in range(WARM_UP + steps):
            spent = time.perf_counter()
            if processor:
                processor.apply_staged_writes()
            spent = time.perf_counter() - spent
            fed = self._fed()
            logits = self._decoder.step().float()
            begun = time.perf_counter()
            if processor:
                logits = processor.apply(logits, self._context(fed))
            spent += time.perf_counter() - begun
            sampled = logits.argmax(dim=-1)
            copied = self._to_host(sampled)
            self._commit(number)
            if waiting and waiting[1]:
                waiting[1].synchronize()
            waiting = copied
            now = time.perf_counter()
            if number >= WARM_UP:
                times.append((now - last) * 1e3)
                host.append(spent * 1e3)
            last = now
        return Times(float(np.median(times)), float(np.quantile(times, 0.99)), float(np.median(host)))

    def wrong(self, processor: Any, masks: Masks, *, hits: bool, most: int = 16) -> int:
        """Do one step, and return how many rows of `most` sequences are edited as one cursor for each row does not say.

        In every second row with bans the likeliest token is banned, in the others it is one that may be said: the model's own
        logits are random, and could be either. `hits`: whether a row of the first kind ends at that.
        """
        each, dead_end = self._drafts + 1, processor.requests.dead_end
        wanted: list[set[int]] = []
        for walk in self._walks[:most].tolist():
            for position in range(each):
                cursor = Cursor(masks, walk[:1])
                cursor.extend(walk[1 : self._at + position])
                wanted.append({dead_end}.union(*(ban.ids.tolist() for ban in cursor.bans())))
        processor.apply_staged_writes()
        fed = self._fed()
        logits = self._decoder.step().float()
        likely = {row: max(ids) for row, ids in enumerate(wanted) if row % 2 and max(ids) != dead_end}
        for row, ids in enumerate(wanted):
            said = next(token for token in range(logits.shape[1]) if token not in ids)
            logits[row, likely.get(row, said)] = 1e4
        banned = torch.isneginf(processor.apply(logits, self._context(fed))).cpu().numpy()
        everything = set(range(banned.shape[1])) - {dead_end}
        return sum(
            set(np.flatnonzero(banned[row]).tolist()) != (everything if hits and row in likely else ids)
            for row, ids in enumerate(wanted)
        )

    def _fed(self) -> torch.Tensor:
        """Write the tokens that the model computes: the last one of each sequence and its drafts. int32 [rows]."""
        last = self._walks[:, self._at - 1 : self._at]
        fed = torch.cat([last, self.draft_tokens.to(torch.int32)], dim=1).reshape(-1)
        self._decoder.ids.copy_(fed)
        return fed

    def _context(self, fed: torch.Tensor) -> LogitsContext:
        return LogitsContext(
            expanded_idx_mapping=self._expanded,
            idx_mapping=self._slots,
            idx_mapping_np=np.arange(self._batch, dtype=np.int32),
            expanded_local_pos=self._local,
            input_ids=fed,
            pos=self._local.long(),
            seq_lens_upper_bound_np=np.full(self._batch, self._at + self._drafts, np.int32),
        )

    def _commit(self, number: int) -> None:
        """Say the next tokens of the texts: one, and as many of the drafts as this step accepts."""
        accepted = 1 + number % (self._drafts + 1)
        self.states.all_token_ids.gpu[:, self._at : self._at + accepted] = self._walks[:, self._at : self._at + accepted]
        self._at += accepted
        self._total.fill_(self._at)
        if self._drafts:
            self.draft_tokens.copy_(self._walks[:, self._at : self._at + self._drafts])

    def _to_host(self, sampled: torch.Tensor) -> tuple[torch.Tensor, torch.Event | None]:
        if self._device.type == "cpu":
            return sampled, None
        copy = torch.empty(sampled.shape, dtype=sampled.dtype, pin_memory=True).copy_(sampled, non_blocking=True)
        event = torch.Event(self._device)
        event.record()
        return copy, event
