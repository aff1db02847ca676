"""The guard as a logits processor of vLLM's Model Runner V2.

Written against vLLM 0.32: `vllm.v1.worker.gpu.sample.logits_processor`, vLLM's extension point for custom logits processors.

The state of each sequence is on the host, in the same rows as under V1, so one matcher is exact in both runners. The device never
waits for it: the host learns the tokens of the step before while the device computes this one (`history`), finds the bans
meanwhile, and sends them as one array (`plan`), which a kernel behind the model's own applies (`editing`). Draft tokens are
walked from the committed state and forgotten again, so nothing has to be undone when the engine rejects them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from vllm.v1.worker.gpu.sample.logits_processor import LogitsContext, LogitsProcessor, LogitsProcRequestState

from guard.decoding.batch import Batch
from guard.decoding.row import Row
from guard.processors.logits import close_all
from guard.processors.vllm import plan as plans
from guard.processors.vllm.counts import Counts
from guard.processors.vllm.editing import edit
from guard.processors.vllm.history import Answer, History, Told, on_device
from guard.processors.vllm.requests import Requests
from guard.processors.vllm.suppressed import CountedRow

if TYPE_CHECKING:
    from vllm import SamplingParams
    from vllm.config import VllmConfig

logger = logging.getLogger("vllm.guard")

_UNREAD = 2
"""The most answers of the device that wait to be read. The runner may begin a step that samples nothing."""
_IDLE = 4
"""The device is asked about a slot for as many steps after the last that computed it. Nobody tells when a request has ended."""


@dataclass(eq=False, slots=True)
class Slot:
    """A request in one of the runner's slots.

    Attributes:
        params: Its sampling parameters.
        row: Its row. None until its tokens are known.
        total: How many tokens of its prompt and answer are in the row.
        drafts: The draft tokens of the step under way, as far as they are known.
        idle: How many steps have begun since the last that computed it; None before the first.
    """

    params: SamplingParams
    row: Row | None = None
    total: int = 0
    drafts: list[int] | None = None
    idle: int | None = None


class V2LogitsProcessor(LogitsProcessor):
    """Keeps each request from saying what its restrictions name."""

    def __init__(self, config: VllmConfig, states: LogitsProcRequestState, requests: Requests | None = None) -> None:
        """Start the processor. `requests` are in place of those of the engine's model.

        Raises:
            ValueError: The engine would sample tokens that are banned. Then it does not start.
            Exception: What `Requests.of` raises.
        """
        _refuse(config)
        self.requests = requests or Requests.of(config, Counts())
        self.requests.suppressed.settle = self._settle
        speculative = config.speculative_config
        self._width = 1 + (speculative.num_speculative_tokens if speculative else 0)
        self._states = states
        self.history = History(states, self._width)
        self._slots: dict[int, Slot] = {}
        # Those that the device is asked about.
        self._awake: dict[int, Slot] = {}
        self._new: list[int] = []
        # What the device was asked, with the slots that it was asked about, and which of them are new.
        self._asked: list[tuple[Answer, list[Slot], list[tuple[Slot, int]]]] = []
        self._batch = Batch()

    @classmethod
    def validate_params(cls, sampling_params: SamplingParams) -> None:
        """Check a request's guard argument. Raises ArgumentError, a ValueError, to which vLLM answers 400."""
        Requests.validate(sampling_params)

    def add_request(self, req_idx: int, sampling_params: SamplingParams) -> bool:
        """Take a request into a slot, and return whether its logits may have to be edited."""
        self._slots.pop(req_idx, None)
        earlier = self._awake.pop(req_idx, None)
        if earlier and earlier.row:
            # The device still knows what the last request of this slot said last. It does not after this step has begun.
            self._asked.append((self.history.ask([req_idx]), [earlier], []))
        self._new = [slot for slot in self._new if slot != req_idx]
        if self.requests.is_free(sampling_params):
            # While the gate of an engine in a fleet is shut, free requests say nothing either.
            return not self.requests.gate.alone
        self._slots[req_idx] = self._awake[req_idx] = Slot(sampling_params)
        self._new.append(req_idx)
        return True

    def apply_staged_writes(self) -> None:
        """Ask the device what is new. The runner calls this at the beginning of each step, before the model computes."""
        self._hear_all(but=_UNREAD - 1)
        for slot, found in list(self._awake.items()):
            if found.idle is not None:
                found.idle += 1
                if found.idle > _IDLE:
                    del self._awake[slot]
        self._ask()

    def apply(self, logits: torch.Tensor, ctx: LogitsContext) -> torch.Tensor:
        """Edit `logits`, float32 [rows, vocabulary], in place. Several calls may share the rows of a step.

        While the engine's gate is shut, all rows are closed, those without a restriction as well.
        """
        held = {slot: found for slot in ctx.idx_mapping_np.tolist() if (found := self._slots.get(slot))}
        all_asked = held.keys() <= self._awake.keys()
        self._awake |= held
        for found in held.values():
            found.idle = 0
        if self.requests.gate.shut:
            close_all(logits, self.requests.dead_end)
            self.history.outcome.zero_()
            return logits
        if not held:
            return logits
        if not all_asked:
            # A request goes on that had waited for steps. This waits for the model.
            self._ask()
        self._hear_all()
        rows = {slot: found.row or Row((), (), (), closed=True) for slot, found in held.items()}
        if rows != self._batch.rows:
            self._batch.changed()
            self._batch.rows = rows
        flags, fed = np.zeros((2, self._states.max_num_reqs, self._width), np.int32)
        steps = [self._batch.edits()]
        drafted = len(logits) > len(ctx.idx_mapping_np)
        if drafted:
            drafts = self._drafts(held, ctx)
            steps += self._batch.ahead(drafts)
            for slot, tokens in drafts.items():
                fed[slot, 1:] = tokens
        for slot, row in rows.items():
            flags[slot] = _flags(row)
            if not row.ends_at_hit:
                flags[slot, 0] &= ~plans.HITS
        for at, step in enumerate(steps):
            flags[step.closed, at] |= plans.CLOSED
        packed, lengths = plans.Plan.of(steps, flags, fed).packed()
        there = on_device(torch.from_numpy(packed), logits.device)
        where = ctx.expanded_idx_mapping, ctx.expanded_local_pos, ctx.input_ids
        requests, outcome = self.requests, self.history.outcome
        edit(logits, where, plans.parts_of(there, lengths), outcome, requests.dead_end, private=requests.private)
        return logits

    def _drafts(self, held: dict[int, Slot], ctx: LogitsContext) -> dict[int, list[int]]:
        """Return the draft tokens of each slot, as many as a step can have; -1 where there is none."""
        if self.history.drafts is not None:
            return {slot: found.drafts or [-1] * (self._width - 1) for slot, found in held.items()}
        # Nobody has said where the runner keeps them. This waits for the model.
        table = torch.stack([part.to(torch.int64) for part in (ctx.expanded_idx_mapping, ctx.expanded_local_pos, ctx.input_ids)])
        drafts = {slot: [-1] * (self._width - 1) for slot in held}
        for slot, position, token in table.T.tolist():
            if slot in drafts and position:
                drafts[slot][position - 1] = token
        return drafts

    def _ask(self) -> None:
        """Ask the device what is new."""
        if self._awake:
            new = [(self._slots[slot], int(self._states.prompt_len.np[slot])) for slot in self._new]
            answer = self.history.ask(list(self._awake), self._new)
            self._asked.append((answer, list(self._awake.values()), new))
            self._new = []

    def _hear_all(self, but: int = 0) -> None:
        """Hear all answers of the device `but` the last ones."""
        while len(self._asked) > but:
            self._hear(*self._asked.pop(0))

    def _hear(self, answer: Answer, slots: list[Slot], new: list[tuple[Slot, int]]) -> None:
        """Bring the rows up to date with what the device has said."""
        told, texts = answer.read()
        for (slot, prompt_length), text in zip(new, texts, strict=True):
            output = text[prompt_length:]
            slot.row = self.requests.row(slot.params, text[:prompt_length], output)
            slot.total = len(text)
        for slot, one in zip(slots, told, strict=True):
            slot.drafts = list(one.drafts)
            if slot.row:
                _follow(slot, slot.row, one, self.requests.suppressed)

    def _settle(self) -> None:
        """Count what the device has found so far. This waits for the device."""
        self._ask()
        self._hear_all()


def _follow(slot: Slot, row: Row, told: Told, counts: Counts) -> None:
    """Add the tokens to a row that the engine has committed since the last time."""
    growth = told.total - slot.total
    output: Any = row.output
    if growth < 0:
        # The engine took tokens back.
        del output[len(output) + growth :]
    elif growth > len(told.last):
        logger.error("request closed: %d of its tokens were not seen", growth)
        row.closed = True
    elif growth:
        suppressed = told.suppressed
        for number, token in enumerate(told.last[len(told.last) - growth :]):
            if isinstance(row, CountedRow) and suppressed[number] and not row.ended:
                counts.add(row.name)
            output.append(token)
    slot.total = told.total


def _flags(row: Row) -> int:
    held = plans.HELD
    held |= plans.HITS if row.hits else 0
    held |= plans.STARVES if row.starves else 0
    return held | (plans.COUNTED if isinstance(row, CountedRow) else 0)


def check_drafts(speculative: Any) -> None:
    """Raise ValueError if the engine accepts draft tokens that are banned. `speculative`: its configuration, or None."""
    if speculative and speculative.rejection_sample_method == "synthetic":
        raise ValueError(
            "rejection_sample_method synthetic accepts draft tokens by chance, and so tokens that the guard has banned: "
            "choose standard or block"
        )


def _refuse(config: VllmConfig) -> None:
    """Raise ValueError if the engine would sample tokens whatever their logits are."""
    check_drafts(config.speculative_config)
    if getattr(config.model_config, "enable_trace_replay", False):
        raise ValueError("the engine would replay tokens whatever is banned: leave out --enable-trace-replay")
    if getattr(config.model_config, "enable_prompt_embeds", False):
        raise ValueError("the guard does not see the text of prompt embeddings: leave out --enable-prompt-embeds")
