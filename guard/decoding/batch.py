"""A batch: the rows of an engine, and the edits of their logits in each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from guard.ban import Ban
from guard.decoding import kernels as batchkernels
from guard.decoding.cursor import Cursor
from guard.decoding.edits import Edits, pairs
from guard.decoding.lane import Lane
from guard.decoding.masks import Masks
from guard.decoding.row import Row

Ids = NDArray[np.int64]


class _Saved(NamedTuple):
    """The states of all rows, as the fields of `Batch` hold them."""

    lanes: list[tuple[NDArray[np.generic], ...]]
    read: list[int]
    unfinished: NDArray[np.bool_]
    pending: list[list[bytes]]
    apart: list[tuple[Row, int, list[Cursor]]]


class Batch:
    """Rows by their position in an engine's batch.

    The usual row gets one whole token per step. Such rows are in lanes, one lane per restriction, which read all their tokens in
    one compiled pass. A row that gets anything else (no token, several, part of a character), or has allowed texts, steps
    by itself.

    After changing `rows`, call `changed` before the next `edits`. A row may be in one batch only.
    """

    def __init__(self, rows: dict[int, Row] | None = None) -> None:
        self.rows: dict[int, Row] = {} if rows is None else rows
        self._arranged = False
        # Rows that always step by themselves, and those in lanes. A row's index in `_usual` is its place.
        self._apart: list[tuple[int, Row]] = []
        self._usual: list[tuple[int, Row]] = []
        self._lanes: list[Lane] = []
        # By place: the lanes that a row is in and its entry in each, how many ids of its output were read, and whether its text
        # ends inside a character.
        self._entries: list[list[tuple[Lane, int]]] = []
        self._read: list[int] = []
        self._unfinished = np.zeros(0, np.bool_)

    def changed(self) -> None:
        """Arrange the rows anew before the next step, because some came, left or moved."""
        if self._arranged:
            for place in range(len(self._usual)):
                self._leave(place)
            self._apart, self._usual, self._lanes = [], [], []
            self._arranged = False

    def edits(self) -> Edits:
        """Read what was sampled since the last step, and return the edits of the logits."""
        if not self._arranged:
            self._arrange()
        tokens = self._tokens()
        found: dict[int, list[Ban]] = {}
        closed = []
        alone = [(position, row.bans()) for position, row in self._apart]
        alone += [(self._usual[place][0], self._aside(place)) for place in np.flatnonzero(tokens < 0).tolist()]
        for position, bans in alone:
            if bans is None:
                closed.append(position)
            else:
                found[position] = bans
        banned = self._together(tokens, found)
        starving = [position for position in self._starving if position not in closed]
        if starving:
            hit = {*banned[0].tolist(), *(position for position, bans in found.items() if bans)}
            starving = [position for position in starving if position in hit]
        return Edits.collect(found, closed, starving, [banned])

    def ahead(self, drafts: Mapping[int, Sequence[int]]) -> list[Edits]:
        """Return what the edits would be if the rows said some tokens, of which nothing is kept. Call it after `edits`.

        Args:
            drafts: For each position the ids that the row may say, equally many for all; -1 where there is none. Each row's
                output must be a list: the ids are in it for a moment.

        Returns:
            The edits behind the first of these ids, behind the first two, and so on.
        """
        count = min(map(len, drafts.values()), default=0)
        saved, lengths = self._saved(), [(row, len(row.output)) for row in self.rows.values()]
        found = []
        try:
            for number in range(count):
                for position, row in self.rows.items():
                    row.output.append(drafts[position][number])  # type: ignore[attr-defined]
                found.append(self.edits())
        finally:
            for row, length in lengths:
                del row.output[length:]  # type: ignore[attr-defined]
            self._restore(saved)
        return found

    def _saved(self) -> _Saved:
        return _Saved(
            [lane.saved() for lane in self._lanes],
            [*self._read],
            self._unfinished.copy(),
            [[cursor.pending for cursor in row.cursors] for _, row in self._usual],
            [(row, row.read, [cursor.copy() for cursor in row.cursors]) for _, row in self._apart],
        )

    def _restore(self, saved: _Saved) -> None:
        for lane, states in zip(self._lanes, saved.lanes, strict=True):
            lane.restore(states)
        self._read, self._unfinished = saved.read, saved.unfinished
        for (_, row), pending in zip(self._usual, saved.pending, strict=True):
            for cursor, held in zip(row.cursors, pending, strict=True):
                cursor.pending = held
        for row, read, cursors in saved.apart:
            row.read, row.cursors = read, cursors

    def _arrange(self) -> None:
        self._apart, self._usual = [], []
        members: dict[Masks, list[tuple[int, Row, int]]] = {}
        vocabulary = None
        for position, row in self.rows.items():
            own = {id(cursor.masks.vocabulary): cursor.masks.vocabulary for cursor in row.cursors}
            vocabulary = vocabulary or next(iter(own.values()), None)
            if row.apart or own.keys() != {id(vocabulary)}:
                self._apart.append((position, row))
                continue
            for which, cursor in enumerate(row.cursors):
                members.setdefault(cursor.masks, []).append((len(self._usual), row, which))
            self._usual.append((position, row))
        self._lanes = [Lane(masks, entries) for masks, entries in members.items()]
        self._entries = [[] for _ in self._usual]
        for lane in self._lanes:
            for entry, place in enumerate(lane.places.tolist()):
                self._entries[place].append((lane, entry))
        self._whole = np.frombuffer(vocabulary.whole, np.uint8) if vocabulary else np.zeros(0, np.uint8)
        self._read = [row.read for _, row in self._usual]
        self._unfinished = np.array([any(cursor.pending for cursor in row.cursors) for _, row in self._usual], np.bool_)
        self._starving = [position for position, row in self.rows.items() if row.starves]
        always = [(place, ban) for lane in self._lanes for ban in lane.always for place in lane.places.tolist()]
        # With places, so that rows can be left out; and with positions, which all but a few steps use.
        self._always_at = pairs([(place, ban.ids) for place, ban in always])
        self._always = pairs([(self._usual[place][0], ban.ids) for place, ban in always])
        self._soft = [(place, ban) for place, ban in always if len(ban.soft)]
        self._arranged = True

    def _tokens(self) -> Ids:
        """Return the whole token that each row in the lanes got, int64 [places]; -1 for a row that got anything else."""
        outputs = [row.output for _, row in self._usual]
        lengths = [len(output) for output in outputs]
        listed = [
            output[-1] if length == read + 1 else -1 for output, length, read in zip(outputs, lengths, self._read, strict=True)
        ]
        tokens = np.array(listed, np.int64)
        batchkernels.keep_whole(tokens, self._whole, self._unfinished)
        return tokens

    def _together(self, tokens: Ids, found: dict[int, list[Ban]]) -> Ids:
        """Step all lanes. Return what they ban, int64 [2, n], and add what they penalise to `found`, by position."""
        hard: list[tuple[int, Ids]] = []
        for lane in self._lanes:
            for place, ban in lane.step(tokens):
                position = self._usual[place][0]
                hard.append((position, ban.ids))
                if len(ban.soft):
                    found.setdefault(position, []).append(ban)
        for place, ban in self._soft:
            if tokens[place] >= 0:
                found.setdefault(self._usual[place][0], []).append(ban)
        self._read = [read + (token >= 0) for read, token in zip(self._read, tokens.tolist(), strict=True)]
        # In the middle of a character not all of these bans hold: a row that stepped by itself has returned those that do.
        always = self._always if tokens.min(initial=0) >= 0 else self._always[:, tokens[self._always_at[0]] >= 0]
        return np.concatenate([always, pairs(hard)], axis=1) if hard else always

    def _aside(self, place: int) -> list[Ban] | None:
        """Step a row of the lanes by itself, and return its bans."""
        self._leave(place)
        _, row = self._usual[place]
        bans = row.bans()
        self._read[place] = row.read
        self._unfinished[place] = any(cursor.pending for cursor in row.cursors)
        for lane, entry in self._entries[place]:
            lane.load(entry)
        return bans

    def _leave(self, place: int) -> None:
        self._usual[place][1].read = self._read[place]
        for lane, entry in self._entries[place]:
            lane.store(entry)
