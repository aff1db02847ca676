"""A lane: the sequences of a batch under one restriction, with their states side by side in arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from guard.ban import Ban
from guard.decoding import kernels as batchkernels
from guard.decoding.masks import Masks
from guard.decoding.row import Row
from guard.matching.compact import CompactAutomaton

Ids = NDArray[np.int64]


@cache
def _no_compact() -> CompactAutomaton:
    return CompactAutomaton.build([])


class Lane:
    """Steps many cursors of one restriction at once. It does for each what `Cursor.extend` and `Cursor.bans` do, in one loop.

    While a sequence is in a lane, its state is in the lane's arrays and the cursor is out of date. `store` brings the cursor up
    to date, `load` copies its state into the arrays again.
    """

    def __init__(self, masks: Masks, members: Sequence[tuple[int, Row, int]]) -> None:
        """Take over sequences.

        Args:
            masks: The restriction's masks.
            members: For each sequence its place among the tokens of a step, its row, and which of the row's cursors it is.
        """
        self._masks = masks
        self._members = members
        count = len(members)
        self.places: Ids = np.array([place for place, _, _ in members], np.int64)
        self._nodes = np.zeros(count, np.int32)
        self._c_nodes = np.zeros(count, np.int32)
        self._begun = np.zeros(count, np.uint64)
        self._spaced = np.zeros(count, np.uint8)
        for entry in range(count):
            self.load(entry)
        exact, compact, vocabulary = masks.automaton, masks.compact, masks.vocabulary
        paths = compact.automaton if compact else _no_compact()
        self._tables = (
            *(*exact.paths, masks.silent),
            *(paths.first_child, paths.label, paths.fail, paths.level),
            compact.silent if compact else np.zeros(1, np.bool_),
            *(vocabulary.folded.data, vocabulary.folded.start),
        )
        always = [part for part in (masks.within, compact.within if compact else None) if part is not None and len(part)]
        self.always = always
        """The bans of every state."""

    def load(self, entry: int) -> None:
        """Copy the state of one cursor into the arrays."""
        _, row, which = self._members[entry]
        cursor = row.cursors[which]
        self._nodes[entry] = cursor.node
        if cursor.compact:
            state = cursor.compact
            self._c_nodes[entry], self._begun[entry], self._spaced[entry] = state.node, state.begun, state.spaced

    def store(self, entry: int) -> None:
        """Copy the state of one sequence back to its cursor."""
        _, row, which = self._members[entry]
        cursor = row.cursors[which]
        cursor.node = int(self._nodes[entry])
        if cursor.compact:
            state = cursor.compact
            state.node, state.begun = int(self._c_nodes[entry]), int(self._begun[entry])
            state.spaced = int(self._spaced[entry])

    def step(self, tokens: Ids) -> Iterator[tuple[int, Ban]]:
        """Read one token with each sequence, and yield each place with what is banned there besides `always`.

        Args:
            tokens: int64 [places]; whole tokens (`Vocabulary.whole`), or -1 for a sequence that does not step.
        """
        masks = self._masks
        found = batchkernels.step_all(*self._tables, tokens, self.places, self._nodes, self._c_nodes, self._begun, self._spaced)
        for place, node, where in found.tolist():
            if where == batchkernels.EXACT:
                bans: tuple[Ban, ...] = (masks.continuing(node),)
            elif where == batchkernels.BEHIND_DOT:
                bans = masks.behind_dot(node)
            elif masks.compact:
                bans = (masks.compact.tight(node) if where == batchkernels.TIGHT else masks.compact.continuing(node),)
            yield from ((place, ban) for ban in bans if len(ban))
        if masks.compact and len(masks.vocabulary.breaking):
            for entry, place in enumerate(self.places.tolist()):
                if tokens[place] >= 0:
                    ban = masks.compact.breaking(int(self._c_nodes[entry]), int(self._begun[entry]), int(self._spaced[entry]))
                    if len(ban):
                        yield place, ban
