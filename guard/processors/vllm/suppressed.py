"""Counts of suppressed tokens: how often the token that the model held most likely was banned, so that another had to be said.

Likeliest is the first of the row's highest logits as the guard gets them: behind vLLM's grammars, allow-lists and bad words,
before the guard's own edits. A token that is merely penalised is not suppressed. Steps whose sample the engine throws away (a
prompt read in parts, a step begun before the end of the answer was known) do not count.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from guard.decoding import kernels as batchkernels
from guard.decoding.edits import Edits
from guard.decoding.masks import Masks
from guard.decoding.row import Row

CAPACITY = 1 << 16
"""Names held at most: of those whose counts nobody fetches the oldest are dropped."""
_STEPS = 1000

# Arrays on the host, tensors on another device.
Ids: TypeAlias = "NDArray[np.int64] | torch.Tensor"
Flags: TypeAlias = "NDArray[np.bool_] | torch.Tensor"


class CountedRow(Row):
    """A row whose suppressed tokens are counted under `name`. Its answer has ended with a token of `ends`."""

    def __init__(
        self,
        masks: Sequence[Masks],
        prompt: Sequence[int],
        output: Sequence[int],
        *,
        name: str,
        ends: Collection[int] = (),
        starves: bool = False,
    ) -> None:
        super().__init__(masks, prompt, output, starves=starves)
        self.name = name
        self.ends = frozenset(ends)

    @property
    def ended(self) -> bool:
        """Whether the answer is complete: where vLLM schedules ahead, it takes one more step before it knows."""
        return bool(self.output) and self.output[-1] in self.ends


class Suppressed:
    """Counts by name, of at most `capacity` names.

    A step is `before` and, when its edits are done, `after`. Whether the engine keeps a sample shows in the row's output at the
    next step: only then is it counted. What a GPU knows is read when counts are taken, and once in `_STEPS` steps.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._counts: dict[str, int] = {}
        self._rows: dict[int, CountedRow] = {}
        # Of this step: the rows whose likeliest token may be banned, their positions, and that token (-1: none).
        self._watched: tuple[list[CountedRow], Ids, Ids] | None = None
        # Of the last step: rows, how long their outputs were, and whether the token was banned.
        self._last: tuple[list[CountedRow], list[int], Flags] | None = None
        # Steps not counted yet: names, None where the sample was not kept, and whether the token was banned.
        self._steps: list[tuple[list[str | None], Flags]] = []
        none = np.zeros(1, np.bool_)
        # Compiled now, not in the middle of an answer.
        batchkernels.likeliest(np.zeros((1, 1), np.float32), np.zeros((2, 0), np.int64), none, none)

    def begin(self, name: str) -> None:
        """Hold a count for `name` if there is none yet. A request that comes again after preemption goes on with its own."""
        if name not in self._counts and len(self._counts) >= self._capacity:
            del self._counts[next(iter(self._counts))]
        self._counts.setdefault(name, 0)

    def arrange(self, rows: Mapping[int, Row]) -> None:
        """Take those of the batch's rows, by position, that are counted from the next step on."""
        self._rows = {position: row for position, row in rows.items() if isinstance(row, CountedRow)}

    def before(self, logits: torch.Tensor, edits: Edits, undecided: Iterable[int] = ()) -> None:
        """Look at `logits` [batch, vocabulary] before the `edits` are done. At the positions `undecided` more may follow."""
        self._settle()
        self._watched = None
        if not self._rows:
            return
        on_host = logits.device.type == "cpu" and logits.dtype == torch.float32
        found = self._likeliest(logits, edits, undecided) if on_host else dict.fromkeys(self._rows, -1)
        closed = set(edits.closed.tolist())
        positions = [position for position in found if position not in closed and not self._rows[position].ended]
        if not positions:
            return
        if on_host:
            at, ids = np.array(positions), np.array([found[position] for position in positions])
        else:
            at = torch.tensor(positions).to(logits.device, non_blocking=True)
            highest, ids = logits[at].max(dim=-1)
            # Where nothing could be said before, nothing is suppressed.
            ids = torch.where(highest > -torch.inf, ids, -1)
        self._watched = [self._rows[position] for position in positions], at, ids

    def after(self, logits: torch.Tensor) -> None:
        """Look at the same `logits` when what is banned is at -inf."""
        if self._watched:
            rows, at, ids = self._watched
            values = logits.numpy() if isinstance(at, np.ndarray) else logits
            self._last = rows, [len(row.output) for row in rows], (ids >= 0) & (values[at, ids] == -np.inf)

    def take(self, names: Iterable[str]) -> dict[str, int]:
        """Return and forget the counts of those of the `names` that are held."""
        self._settle()
        self._read()
        return {name: self._counts.pop(name) for name in dict.fromkeys(names) if name in self._counts}

    def _likeliest(self, logits: torch.Tensor, edits: Edits, undecided: Iterable[int]) -> dict[int, int]:
        """Return the likeliest tokens by position, where they may be banned."""
        asked, open_ = np.zeros((2, len(logits)), np.bool_)
        asked[list(self._rows)] = True
        open_[list(undecided)] = True
        ids = batchkernels.likeliest(logits.numpy(), edits.banned, asked, open_)
        return {position: int(ids[position]) for position in np.flatnonzero(ids >= 0).tolist()}

    def _settle(self) -> None:
        """Note of the last step whose samples were kept."""
        if self._last:
            rows, lengths, banned = self._last
            self._last = None
            names = [row.name if len(row.output) > length else None for row, length in zip(rows, lengths, strict=True)]
            self._steps.append((names, banned))
            if isinstance(banned, np.ndarray) or len(self._steps) >= _STEPS:
                self._read()

    def _read(self) -> None:
        """Count the steps noted."""
        steps, self._steps = self._steps, []
        if steps and isinstance(steps[0][1], torch.Tensor):
            steps = [([name for names, _ in steps for name in names], torch.cat([banned for _, banned in steps]))]
        for names, banned in steps:
            for name, suppressed in zip(names, banned.tolist(), strict=True):
                # A request may go on for a step after its count was taken.
                if suppressed and name in self._counts:
                    self._counts[name] += 1
