"""Counts of suppressed tokens: how often the likeliest token was banned, so that the engine had to sample another one.

The likeliest token is the first one with the highest logit after vLLM has applied grammars, allow-lists and bad words, and before
the guard edits the logits. A token that is only penalised is not suppressed. A hit with which a row ends counts as one.
Steps whose sample the engine discards do not count:
it discards those for the earlier parts of a prompt, and those that it began before it knew that the answer had ended.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from guard.decoding import kernels as batchkernels
from guard.decoding.edits import Edits
from guard.decoding.masks import Masks
from guard.decoding.row import Row
from guard.processors.vllm.counts import CAPACITY, Counts

_STEPS = 1000

# Arrays for logits on the host, tensors for logits on another device.
Ids: TypeAlias = "NDArray[np.int64] | torch.Tensor"
Flags: TypeAlias = "NDArray[np.bool_] | torch.Tensor"


class CountedRow(Row):
    """A row whose suppressed tokens are counted under `name`. Its answer ends with a token of `ends`.

    `others` are the other arguments of a row.
    """

    def __init__(
        self,
        masks: Sequence[Masks],
        prompt: Sequence[int],
        output: Sequence[int],
        *,
        name: str,
        ends: Collection[int] = (),
        **others: Any,
    ) -> None:
        super().__init__(masks, prompt, output, **others)
        self.name = name
        self.ends = frozenset(ends)

    @property
    def ended(self) -> bool:
        """Whether the answer is complete. If vLLM schedules ahead, it does one more step before it knows that."""
        return bool(self.output) and self.output[-1] in self.ends


class Suppressed(Counts):
    """Counts of V1's steps.

    In each step, call `before` and, when the logits have been edited, `after`. A step is counted at the next one, because only
    then does the row's output show whether the engine kept the sample. Results are read from a GPU when counts are taken, and
    once every `_STEPS` steps.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        super().__init__(self._all, capacity)
        self._rows: dict[int, CountedRow] = {}
        # In this step: the rows whose likeliest token may be banned, their positions, and that token (-1: none).
        self._watched: tuple[list[CountedRow], Ids, Ids] | None = None
        # In the last step: the rows, the lengths of their outputs, and whether the likeliest token was banned.
        self._last: tuple[list[CountedRow], list[int], Flags] | None = None
        # Steps that are not counted yet: the names (None if the sample was discarded) and whether the token was banned.
        self._steps: list[tuple[list[str | None], Flags]] = []
        # This compiles it now, so that no answer has to wait for it.
        batchkernels.likeliest(np.zeros((1, 1), np.float32), np.zeros((2, 0), np.int64), np.zeros(1, np.bool_))

    def arrange(self, rows: Mapping[int, Row]) -> None:
        """Set the rows of the batch, by position. Those with a name are counted from the next step on."""
        self._rows = {position: row for position, row in rows.items() if isinstance(row, CountedRow)}

    def before(self, logits: torch.Tensor, edits: Edits) -> None:
        """Find the likeliest tokens before the logits are edited.

        Args:
            logits: float [batch, vocabulary].
            edits: The edits of this step.
        """
        self._note()
        self._watched = None
        if not self._rows:
            return
        on_host = logits.device.type == "cpu" and logits.dtype == torch.float32
        found = self._likeliest(logits, edits) if on_host else dict.fromkeys(self._rows, -1)
        closed = set(edits.closed.tolist())
        positions = [position for position in found if position not in closed and not self._rows[position].ended]
        if not positions:
            return
        if on_host:
            at, ids = np.array(positions), np.array([found[position] for position in positions])
        else:
            at = torch.tensor(positions).to(logits.device, non_blocking=True)
            highest, ids = logits[at].max(dim=-1)
            # In a row that had no token before, nothing is suppressed.
            ids = torch.where(highest > -torch.inf, ids, -1)
        self._watched = [self._rows[position] for position in positions], at, ids

    def after(self, logits: torch.Tensor, hits: Iterable[int] = ()) -> None:
        """Check which of these tokens are banned, that is -inf, in the same `logits` after the edits.

        Args:
            logits: The logits.
            hits: The positions of rows that end at a hit. These count, whatever their likeliest token is.
        """
        rows, banned = list[CountedRow](), np.zeros(0, np.bool_)
        if self._watched:
            rows, at, ids = self._watched
            if not isinstance(at, np.ndarray):
                # In a row that ends at a hit everything is -inf, so it counts.
                self._last = rows, [len(row.output) for row in rows], (ids >= 0) & (logits[at, ids] == -torch.inf)
                return
            banned = (ids >= 0) & (logits.numpy()[at, ids] == -np.inf)
        more = [self._rows[position] for position in hits if position in self._rows]
        more = [row for row in more if not row.ended and row not in rows]
        if rows or more:
            rows = [*rows, *more]
            self._last = rows, [len(row.output) for row in rows], np.append(banned, np.ones(len(more), np.bool_))

    def _all(self) -> None:
        self._note()
        self._read()

    def _likeliest(self, logits: torch.Tensor, edits: Edits) -> dict[int, int]:
        """Return the likeliest tokens that may be banned, by position."""
        asked = np.zeros(len(logits), np.bool_)
        asked[list(self._rows)] = True
        ids = batchkernels.likeliest(logits.numpy(), edits.banned, asked)
        return {position: int(ids[position]) for position in np.flatnonzero(ids >= 0).tolist()}

    def _note(self) -> None:
        """Note which samples of the last step the engine kept."""
        if self._last:
            rows, lengths, banned = self._last
            self._last = None
            names = [row.name if len(row.output) > length else None for row, length in zip(rows, lengths, strict=True)]
            self._steps.append((names, banned))
            if isinstance(banned, np.ndarray) or len(self._steps) >= _STEPS:
                self._read()

    def _read(self) -> None:
        """Count the steps that were noted."""
        steps, self._steps = self._steps, []
        if steps and isinstance(steps[0][1], torch.Tensor):
            steps = [([name for names, _ in steps for name in names], torch.cat([banned for _, banned in steps]))]
        for names, banned in steps:
            for name, suppressed in zip(names, banned.tolist(), strict=True):
                if suppressed and name:
                    self.add(name)
