"""Edits: what one step changes in the logits of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guard.ban import Ban

Ids = NDArray[np.int64]

_NONE: Ids = np.empty(0, np.int64)
_NO_PAIRS: Ids = np.empty((2, 0), np.int64)


@dataclass(frozen=True, eq=False, slots=True)
class Edits:
    """What one step changes in the logits [rows, tokens] of a batch.

    Attributes:
        banned: int64 [2, n]; row and id of the logits to set to -inf.
        soft: int64 [2, m], distinct; row and id of the logits from which to subtract. Banned ones may be among them, because
            -inf remains -inf.
        penalties: float32 [m]; what to subtract from each.
        closed: int64; rows in which nothing may be said.
        starving: int64; rows to check once more, because they may have no token left.
    """

    banned: Ids
    soft: Ids
    penalties: NDArray[np.float32]
    closed: Ids
    starving: Ids

    @classmethod
    def collect(
        cls, found: Mapping[int, Sequence[Ban]], closed: Sequence[int], starving: Sequence[int], banned: Sequence[Ids] = ()
    ) -> Edits:
        """Build the edits of a step.

        Args:
            found: The bans by position in the batch. Those of one position may share ids.
            closed: The positions of closed rows.
            starving: The positions of starving rows.
            banned: Further pairs of position and id to ban, int64 [2, n] each.
        """
        hard = [(position, ban.ids) for position, bans in found.items() for ban in bans if len(ban.ids)]
        soft = [(position, part) for position, bans in found.items() for part in _penalties(bans)]
        return cls(
            _joined([*banned, *([pairs(hard)] if hard else [])]),
            pairs([(position, part.soft) for position, part in soft]),
            np.concatenate([part.penalties for _, part in soft]) if soft else np.empty(0, np.float32),
            np.array(closed, np.int64),
            np.array(starving, np.int64),
        )


def pairs(found: Sequence[tuple[int, Ids]]) -> Ids:
    """Return the pairs of position and id, int64 [2, n], of the ids at each position."""
    if not found:
        return _NO_PAIRS
    ids = np.concatenate([ids for _, ids in found])
    result = np.empty((2, len(ids)), np.int64)
    result[0] = np.repeat(np.array([p for p, _ in found], np.int64), np.array([len(i) for _, i in found]))
    result[1] = ids
    return result


def _penalties(bans: Sequence[Ban]) -> list[Ban]:
    parts = [Ban(_NONE, ban.soft, ban.penalties) for ban in bans if len(ban.soft)]
    return [Ban.merged(parts)] if len(parts) > 1 else parts


def _joined(parts: Sequence[Ids]) -> Ids:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts, axis=1) if parts else _NO_PAIRS
