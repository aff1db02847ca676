"""Plans: what one step of Model Runner V2 changes in its logits, in one array that goes to the device at once.

A step has one row of logits per request, and with speculative decoding one more behind each draft token. The plan orders them by
line: slot times `width` plus the number of draft tokens before the row, because only the device knows which row is where.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray

from guard.decoding.edits import Edits

Ints = NDArray[np.int32]

HELD, CLOSED, HITS, STARVES, COUNTED = 1, 2, 4, 8, 16
"""The flags of a line: the row is edited; it may say nothing; a hit ends it; it may have no token left; it is counted."""


@dataclass(frozen=True, eq=False, slots=True)
class Plan:
    """The edits of all lines.

    Attributes:
        flags: int32 [lines]; 0 for a row that is not edited.
        fed: int32 [lines]; the draft token with which the model computed the row. Of the first line of a slot it means nothing.
        hard_start: int32 [lines + 1]; where the ids of each line begin in `hard`, and where the last ones end.
        soft_start: int32 [lines + 1]; the same in `soft`.
        hard: int32 [n]; ids to set to -inf. An id may occur twice in a line.
        soft: int32 [m]; ids from whose logits `penalties` are subtracted, distinct in a line.
        penalties: int32 [m]; the bits of float32 numbers.
    """

    flags: Ints
    fed: Ints
    hard_start: Ints
    soft_start: Ints
    hard: Ints
    soft: Ints
    penalties: Ints

    @classmethod
    def of(cls, steps: Sequence[Edits], flags: Ints, fed: Ints) -> Plan:
        """Order the edits of a step by line.

        Args:
            steps: The edits of the rows without drafts before them, behind one draft token, and so on; by slot.
            flags: int32 [slots, width]; the flags of each line.
            fed: int32 [slots, width]; the draft token of each line.
        """
        width = flags.shape[1]
        hard_start, hard, _ = _by_line(
            [(step.banned[0] * width + at, step.banned[1]) for at, step in enumerate(steps)], flags.size
        )
        lines = [(step.soft[0] * width + at, step.soft[1]) for at, step in enumerate(steps)]
        soft_start, soft, order = _by_line(lines, flags.size)
        penalties = np.concatenate([step.penalties for step in steps])[order].view(np.int32)
        return cls(flags.reshape(-1), fed.reshape(-1), hard_start, soft_start, hard, soft, penalties)

    def packed(self) -> tuple[Ints, list[int]]:
        """Return all arrays in one, and their lengths."""
        arrays = [getattr(self, field.name) for field in fields(self)]
        return np.concatenate(arrays), [len(array) for array in arrays]


def parts_of(packed: torch.Tensor, lengths: Sequence[int]) -> list[torch.Tensor]:
    """Return the arrays of a plan that is on a device: views of the `packed` one."""
    return list(packed.split(list(lengths)))


def _by_line(found: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]], lines: int) -> tuple[Ints, Ints, NDArray[np.int64]]:
    """Return where each line begins among ids in the order of their lines, these ids, and their places before."""
    at = np.concatenate([line for line, _ in found])
    order = np.argsort(at, kind="stable")
    start = np.zeros(lines + 1, np.int32)
    np.cumsum(np.bincount(at, minlength=lines), out=start[1:])
    return start, np.concatenate([ids for _, ids in found])[order].astype(np.int32), order
