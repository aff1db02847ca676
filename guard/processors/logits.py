"""Edits to logits: what a step's `Edits` do to a tensor, and the dead end that must be possible when nothing else is.

The same for every engine and model runner that hands out logits as a tensor [rows, vocabulary].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from guard.decoding.edits import Edits


class LogitsEditor:
    """Applies edits to logits in place.

    In an edited row the dead-end token is sampled if and only if the guard chose it: neither the model nor a grammar, which takes
    every stop token for a legal end, can say it. Only where the dead end is one of the model's own ends (not `private`) must it
    stay possible.
    """

    def __init__(self, dead_end: int, device: torch.device, *, private: bool = True) -> None:
        """Edit logits on `device`.

        Args:
            dead_end: the id that stands for "nothing is left to say".
            device: where the logits are.
            private: whether the model never ends an answer with the dead end.
        """
        self._dead_end = dead_end
        self._device = device
        self._private = private
        # int64 [held], int64 [starving]: the rows that are edited, and those of them in which the engine may leave nothing.
        # Both stay on the device until the batch changes.
        self._held = self._starving = self.tensor(np.empty(0, np.int64))

    def arrange(self, held: Sequence[int], starving: Sequence[int]) -> None:
        """Take the rows that are edited from now on, and those of them in which the engine itself may leave nothing."""
        self._held = self.tensor(np.array(held, np.int64))
        self._starving = self.tensor(np.array(starving, np.int64))

    def close_dead_end(self, logits: torch.Tensor) -> torch.Tensor:
        """Ban the dead end in every row that is held.

        Call it before `apply`, so that a dead end which the model holds likeliest does not count as a suppressed token.

        Returns:
            int64 [doubtful]: the rows that may have had nothing else, for `open_dead_end`.
        """
        if not self._private:
            return self._starving[:0]
        column = logits[:, self._dead_end]
        doubtful = self._starving
        if logits.device.type == "cpu":
            # Few, as a rule. On another device waiting for the answer costs more than looking at all of them.
            doubtful = doubtful[column[doubtful] > -torch.inf]
        column.index_fill_(0, self._held, -torch.inf)
        return doubtful

    def apply(self, logits: torch.Tensor, edits: Edits) -> None:
        """Ban, penalise and close rows of `logits` float [rows, vocabulary] as `edits` says: one scatter for all rows."""
        if edits.banned.size:
            rows, ids = self.tensor(edits.banned)
            logits.index_put_((rows, ids), logits.new_tensor(-torch.inf))
        if edits.soft.size:
            rows, ids = self.tensor(edits.soft)
            logits.index_put_((rows, ids), -self.tensor(edits.penalties), accumulate=True)
        if edits.closed.size:
            rows = self.tensor(edits.closed)
            logits[rows] = -torch.inf
            logits[rows, self._dead_end] = 0.0
        if edits.starving.size:
            self.open_dead_end(logits, self.tensor(edits.starving))

    def open_dead_end(self, logits: torch.Tensor, rows: torch.Tensor) -> None:
        """Open the dead end in those of the `rows`, int64, that have nothing left."""
        if rows.numel():
            nothing = logits[rows].amax(dim=-1) == -torch.inf
            logits[rows, self._dead_end] = torch.where(nothing, 0.0, logits[rows, self._dead_end])

    def likeliest(self, logits: torch.Tensor, rows: Sequence[int], count: int) -> NDArray[np.int64]:
        """Return the `count` likeliest tokens of each of the `rows`, int64 [rows, count], likeliest first; -1 for a ban."""
        values, ids = logits[self.tensor(np.array(rows))].topk(min(count, logits.shape[1]))
        found: NDArray[np.int64] = torch.where(values > -torch.inf, ids, -1).cpu().numpy()
        return found

    def tensor(self, array: Any) -> torch.Tensor:
        """Return a NumPy array as a tensor on the device."""
        return torch.from_numpy(array).to(self._device, non_blocking=True)
