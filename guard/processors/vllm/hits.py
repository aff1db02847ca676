"""Hits: rows that end with the dead end because the model would have said what is banned (`guard.decoding.hitkernels`).

Only rows that ask for it (`guard.processors.arguments.HITS`) end at a hit. In the others the bans act, and the model says
something else.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from guard.decoding import hitkernels
from guard.decoding.edits import Edits
from guard.decoding.row import Row
from guard.processors.logits import LogitsEditor


class Hits:
    """Ends rows at hits. In each step, call `before` and, when the logits have been edited, `after`.

    Float32 logits on a CPU are read by one compiled loop. On another device the host never waits for the result.
    """

    def __init__(self, editor: LogitsEditor) -> None:
        self._editor = editor
        self._rows: dict[int, Row] = {}
        # In this step: the positions of hits that the compiled loop has found.
        self._found: list[int] = []
        # In this step: the positions to judge when the logits have been edited, int64 [n], and their logits before, [n, tokens].
        self._kept: tuple[torch.Tensor, torch.Tensor] | None = None
        # This compiles the loop now, so that no answer has to wait for it.
        hitkernels.find_hits(np.zeros((1, 1), np.float32), np.zeros((2, 1), np.int64), np.ones(1, np.bool_))

    def arrange(self, rows: Mapping[int, Row]) -> None:
        """Set the rows of the batch, by position."""
        self._rows = {position: row for position, row in rows.items() if row.hits}

    def before(self, logits: torch.Tensor, edits: Edits) -> None:
        """Look for hits before the logits are edited.

        Args:
            logits: float [batch, vocabulary]. Some bans may be done in them, in place.
            edits: The edits of this step.
        """
        self._found, self._kept = [], None
        if not self._rows or not edits.banned.size:
            return
        closed = set(edits.closed.tolist())
        asked = [position for position, row in self._rows.items() if row.ends_at_hit and position not in closed]
        if logits.device.type == "cpu" and logits.dtype == torch.float32:
            flags = np.zeros(len(logits), np.bool_)
            flags[asked] = True
            self._found = np.flatnonzero(hitkernels.find_hits(logits.numpy(), edits.banned, flags)).tolist()
        elif asked:
            at = self._editor.tensor(np.array(asked, np.int64))
            self._kept = at, logits[at]

    def after(self, logits: torch.Tensor) -> list[int]:
        """Close the rows with a hit, of the same `logits` after the edits.

        Returns:
            The positions of hits that are known on the host already.
        """
        if self._found:
            self._editor.close(logits, np.array(self._found, np.int64))
        if self._kept:
            at, unedited = self._kept
            self._editor.close_where(logits, at, self._editor.hits(unedited, logits[at]))
        return self._found
