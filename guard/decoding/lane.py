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
from guard.matching import gapkernels
from guard.matching.compact import CompactAutomaton
from guard.matching.gaps import GapMasks

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
        self._g_nodes = np.zeros((count, gapkernels.THREADS), np.int32)
        self._g_kinds = np.zeros((count, gapkernels.THREADS), np.uint8)
        self._g_state = np.zeros((3, count), np.int64)  # threads, letters, gap
        for entry in range(count):
            self.load(entry)
        exact, compact, vocabulary = masks.automaton, masks.compact, masks.vocabulary
        paths = compact.automaton if compact else _no_compact()
        self._tables = (
            *(*exact.paths, masks.silent, masks.excusing.relevant if masks.excusing else np.zeros(0, np.bool_)),
            *(paths.first_child, paths.label, paths.fail, paths.level, paths.word_end),
            *(compact.silent if compact else np.zeros(1, np.bool_), *vocabulary.broken),
            *(vocabulary.folded.data, vocabulary.folded.start),
        )
        # Where an exception has been begun, a token may say a whole phrase.
        always = [None if masks.excusing else masks.within, compact.within if compact else None]
        self.always = [part for part in always if part is not None and len(part)]
        """The bans of every state."""

    def load(self, entry: int) -> None:
        """Copy the state of one cursor into the arrays."""
        _, row, which = self._members[entry]
        cursor = row.cursors[which]
        self._nodes[entry] = cursor.node
        if cursor.compact:
            state = cursor.compact
            self._c_nodes[entry], self._begun[entry], self._spaced[entry] = state.node, state.begun, state.spaced
        if cursor.gaps:
            self._g_nodes[entry], self._g_kinds[entry] = cursor.gaps.nodes, cursor.gaps.kinds
            self._g_state[:, entry] = cursor.gaps.count, cursor.gaps.letters, cursor.gaps.gap

    def store(self, entry: int) -> None:
        """Copy the state of one sequence back to its cursor."""
        _, row, which = self._members[entry]
        cursor = row.cursors[which]
        cursor.node = int(self._nodes[entry])
        if cursor.compact:
            state = cursor.compact
            state.node, state.begun = int(self._c_nodes[entry]), int(self._begun[entry])
            state.spaced = int(self._spaced[entry])
        if cursor.gaps:
            cursor.gaps.nodes[:], cursor.gaps.kinds[:] = self._g_nodes[entry], self._g_kinds[entry]
            cursor.gaps.count, cursor.gaps.letters, cursor.gaps.gap = map(int, self._g_state[:, entry])

    def saved(self) -> tuple[NDArray[np.generic], ...]:
        """Return a copy of all states, for `restore`."""
        return tuple(array.copy() for array in self._arrays)

    def restore(self, saved: tuple[NDArray[np.generic], ...]) -> None:
        """Go back to states that were saved."""
        for array, earlier in zip(self._arrays, saved, strict=True):
            array[...] = earlier

    @property
    def _arrays(self) -> tuple[NDArray[np.generic], ...]:
        return self._nodes, self._c_nodes, self._begun, self._spaced, self._g_nodes, self._g_kinds, self._g_state

    def step(self, tokens: Ids) -> Iterator[tuple[int, Ban]]:
        """Read one token with each sequence, and yield each place with what is banned there besides `always`.

        Args:
            tokens: int64 [places]; whole tokens (`Vocabulary.whole`), or -1 for a sequence that does not step.
        """
        masks = self._masks
        found = batchkernels.step_all(*self._tables, tokens, self.places, self._nodes, self._c_nodes, self._begun, self._spaced)
        excused = set()
        for place, node, where in found.tolist():
            if where == batchkernels.EXACT:
                bans: tuple[Ban, ...] = (masks.continuing(node),)
            elif where == batchkernels.WHOLE:
                if masks.excusing and masks.excusing.concerns(node):
                    excused.add(place)
                    bans = masks.excused(node)
                else:
                    bans = masks.behind_dot(node)
            elif where == batchkernels.BROKEN and masks.compact:
                state = int(self._c_nodes[node]), int(self._begun[node]), int(self._spaced[node])
                bans = (masks.compact.breaking(*state),)
            elif masks.compact:
                bans = (masks.compact.tight(node) if where == batchkernels.TIGHT else masks.compact.continuing(node),)
            yield from ((place, ban) for ban in bans if len(ban))
        if masks.gaps:
            yield from self._gaps(masks.gaps, tokens)
        if masks.excusing and len(masks.within):
            stepped = [place for place in self.places.tolist() if tokens[place] >= 0]
            yield from ((place, masks.within) for place in stepped if place not in excused)

    def _gaps(self, gaps: GapMasks, tokens: Ids) -> Iterator[tuple[int, Ban]]:
        folded, (ids, text, start) = self._masks.vocabulary.folded, gaps.several
        a = gaps.automaton
        found, banned, penalties = batchkernels.step_gaps(
            *((a.first_child, a.label, *a.ends), gaps.silent, (text, start), gaps.inner, gaps.always, folded.data, folded.start),
            *(tokens, self.places, self._g_nodes, self._g_kinds, *self._g_state),
        )
        if not len(found) and not len(banned):
            return
        entries = {place: entry for entry, place in enumerate(self.places.tolist())}

        def excused(place: int, ban: Ban) -> Ban:
            entry = entries[place]
            count, letters, gap = map(int, self._g_state[:, entry])
            at = self._g_nodes[entry], self._g_kinds[entry], count, letters, gap
            return self._masks.gapped(int(self._nodes[entry]), ban, at)

        for place, node, kind, tight in found.tolist():
            ban = excused(place, gaps.continuing(node, kind, bool(tight)))
            if len(ban):
                yield place, ban
        for (place, number), penalty in zip(banned.tolist(), penalties, strict=True):
            ban = excused(place, Ban.of(ids[number : number + 1], np.array([penalty], np.float32)))
            if len(ban):
                yield place, ban
