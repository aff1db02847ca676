"""History: what Model Runner V2 knows about its slots on the device, read by the host without waiting for the step under way.

The runner keeps the tokens of each request on the device and says nothing of them to the host. At the beginning of a step the
device is asked to copy what is new, before it computes the step. The copy is complete when the step before it is, so the host has
it while the device computes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from vllm.v1.worker.gpu.sample.logits_processor import LogitsProcRequestState


@dataclass(frozen=True, slots=True)
class Told:
    """What the device said about one slot.

    Attributes:
        total: How many tokens its prompt and answer have.
        last: The last of them, as many as one step can add; what is before the beginning is 0.
        suppressed: For each line of the slot whether the guard suppressed a token in the step before (`editing.edit`).
        drafts: The draft tokens of the step under way; empty if they are not known yet.
    """

    total: int
    last: Sequence[int]
    suppressed: Sequence[int]
    drafts: Sequence[int]


class Answer:
    """Copies under way from the device. The methods wait until they are complete."""

    def __init__(self, table: torch.Tensor, texts: Sequence[torch.Tensor], width: int, event: torch.Event | None) -> None:
        self._table, self._texts, self._width, self._event = table, texts, width, event

    def read(self) -> tuple[list[Told], list[list[int]]]:
        """Return what was said of the slots, and the tokens of the new ones."""
        if self._event:
            self._event.synchronize()
        w = self._width
        told = [Told(row[0], row[1 : w + 1], row[w + 1 : 2 * w + 1], row[2 * w + 1 :]) for row in self._table.tolist()]
        return told, [text.tolist() for text in self._texts]


class History:
    """Asks the device about slots."""

    def __init__(self, states: LogitsProcRequestState, width: int) -> None:
        """Read the runner's `states`. `width`: how many tokens one step can add to an answer."""
        self._states = states
        self._width = width
        self.outcome = torch.zeros(states.max_num_reqs, width, dtype=torch.int32, device=states.device)
        """int32 [slots, width]; what `editing.edit` found in the last step of each line."""
        self.drafts: torch.Tensor | None = None
        """int [slots, width - 1]; where the runner keeps draft tokens. None if that is not known."""
        self._known: tuple[list[int], torch.Tensor] = ([], torch.empty(0))

    def ask(self, slots: list[int], new: Sequence[int] = ()) -> Answer:
        """Begin to copy what is known about `slots`, and all tokens of those that are `new`."""
        states, width = self._states, self._width
        if slots != self._known[0]:
            self._known = [*slots], on_device(torch.tensor(slots, dtype=torch.int64), states.device)
        at = self._known[1]
        total = states.total_len.gpu[at].long()
        places = (total[:, None] + torch.arange(-width, 0, device=states.device)).clamp_(min=0)
        last = states.all_token_ids.gpu[at[:, None], places]
        parts = [total[:, None], last, self.outcome[at], *([] if self.drafts is None else [self.drafts[at]])]
        table = torch.cat([part.to(torch.int64) for part in parts], dim=1)
        texts = [states.all_token_ids.gpu[slot, : int(states.prefill_len.np[slot])] for slot in new]
        if states.device.type == "cpu":
            return Answer(table, [text.clone() for text in texts], width, None)
        copies = [_on_host(part) for part in (table, *texts)]
        event = torch.Event(states.device)
        event.record()
        return Answer(copies[0], copies[1:], width, event)


def on_device(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return a tensor of the host on a device. The host does not wait for what the device does before."""
    if device.type == "cpu":
        return tensor
    # A copy from ordinary memory may wait for the device.
    return tensor.pin_memory().to(device, non_blocking=True)


def _on_host(tensor: torch.Tensor) -> torch.Tensor:
    return torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True).copy_(tensor, non_blocking=True)
