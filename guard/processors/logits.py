"""The logits editor: it applies a step's `Edits` to a tensor, and allows the dead-end token in rows that have no other.

It works for every engine and model runner whose logits are a tensor [rows, vocabulary].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from guard.decoding.edits import Edits
from guard.decoding.hitkernels import SHARE


def close_all(logits: torch.Tensor, dead_end: int) -> None:
    """Leave nothing but the dead end in all rows of `logits`, float [rows, vocabulary]."""
    logits.fill_(-torch.inf)
    logits[:, dead_end] = 0.0


class LogitsEditor:
    """Applies edits to logits in place.

    In an edited row the engine samples the dead-end token if and only if the guard has chosen it. The model cannot choose it, nor
    can a grammar, which allows every stop token at its end. If the dead end is one of the model's own ends (not `private`), it
    stays allowed.
    """

    def __init__(self, dead_end: int, device: torch.device, *, private: bool = True) -> None:
        """Edit logits on `device`.

        Args:
            dead_end: The id of the dead-end token.
            device: The device of the logits.
            private: Whether the model never ends an answer with the dead end.
        """
        self._dead_end = dead_end
        self._device = device
        self._private = private
        # int64 [held], int64 [starving]: the rows that are edited, and those of them in which the engine may leave no token. Both
        # stay on the device until the batch changes.
        self._held = self._starving = self.tensor(np.empty(0, np.int64))

    def arrange(self, held: Sequence[int], starving: Sequence[int]) -> None:
        """Set the rows that are edited from now on.

        Args:
            held: Their positions in the batch.
            starving: The positions of those in which the engine itself may leave no token.
        """
        self._held = self.tensor(np.array(held, np.int64))
        self._starving = self.tensor(np.array(starving, np.int64))

    def close_dead_end(self, logits: torch.Tensor) -> torch.Tensor:
        """Ban the dead end in every row that is edited.

        Call it before `apply`. Then a dead end that the model finds likeliest does not count as a suppressed token.

        Args:
            logits: float [rows, vocabulary], edited in place.

        Returns:
            int64 [doubtful]: the rows that may have had no other token, for `open_dead_end`.
        """
        if not self._private:
            return self._starving[:0]
        column = logits[:, self._dead_end]
        doubtful = self._starving
        if logits.device.type == "cpu":
            # Usually few. On another device it takes longer to wait for this result than to check all of them.
            doubtful = doubtful[column[doubtful] > -torch.inf]
        column.index_fill_(0, self._held, -torch.inf)
        return doubtful

    def apply(self, logits: torch.Tensor, edits: Edits) -> None:
        """Ban and penalise tokens and close rows of `logits`, float [rows, vocabulary], as `edits` says.

        One scatter bans in all rows.
        """
        if edits.banned.size:
            rows, ids = self.tensor(edits.banned)
            logits.index_put_((rows, ids), logits.new_tensor(-torch.inf))
        if edits.soft.size:
            rows, ids = self.tensor(edits.soft)
            logits.index_put_((rows, ids), -self.tensor(edits.penalties).to(logits.dtype), accumulate=True)
        if edits.closed.size:
            self.close(logits, edits.closed)
        if edits.starving.size:
            self.open_dead_end(logits, self.tensor(edits.starving))

    def close(self, logits: torch.Tensor, rows: NDArray[np.int64]) -> None:
        """Leave nothing but the dead end in these `rows`, int64 [n]."""
        at = self.tensor(rows)
        logits[at] = -torch.inf
        logits[at, self._dead_end] = 0.0

    def close_where(self, logits: torch.Tensor, rows: torch.Tensor, wanted: torch.Tensor) -> None:
        """Leave nothing but the dead end in those of the `rows`, int64 [n], that are `wanted`, bool [n].

        The host does not wait for either.
        """
        closed = torch.zeros(len(logits), dtype=torch.bool, device=logits.device).index_copy_(0, rows, wanted)
        logits.masked_fill_(closed[:, None], -torch.inf)
        column = logits[:, self._dead_end]
        column.masked_fill_(closed, 0.0)

    @staticmethod
    def hits(unedited: torch.Tensor, edited: torch.Tensor) -> torch.Tensor:
        """Return which rows have a hit (`guard.decoding.hitkernels`): bool [rows]. The host does not wait for it.

        Args:
            unedited: float [rows, tokens]; the logits before the edits.
            edited: The same after the edits. What became -inf is banned.
        """
        highest, likeliest = unedited.max(dim=-1)
        banned = edited == -torch.inf
        share = torch.where(banned, unedited.softmax(dim=-1, dtype=torch.float32), 0.0).sum(dim=-1)
        # A row that had no token before has no hit. Its share is no number.
        return (highest > -torch.inf) & (banned.gather(1, likeliest[:, None])[:, 0] | (share >= SHARE))

    def open_dead_end(self, logits: torch.Tensor, rows: torch.Tensor) -> None:
        """Allow the dead end in those of the `rows`, int64 [n], that have no other token."""
        if rows.numel():
            nothing = logits[rows].amax(dim=-1) == -torch.inf
            logits[rows, self._dead_end] = torch.where(nothing, 0.0, logits[rows, self._dead_end])

    def tensor(self, array: Any) -> torch.Tensor:
        """Return a NumPy array as a tensor on the device."""
        return torch.from_numpy(array).to(self._device, non_blocking=True)
