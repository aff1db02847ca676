"""A row: one sequence of a batch, under all its restrictions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from guard.ban import Ban
from guard.decoding.cursor import Cursor
from guard.decoding.masks import Masks


class Row:
    """One sequence under its restrictions.

    Attributes:
        output: The engine's own list of the ids sampled so far. It grows between steps.
        read: How many ids of `output` have been read.
        cursors: The state in each restriction.
        closed: Whether the row may say nothing at all.
        starves: Whether the bans, together with what the client asked for (a grammar, an allow-list), may leave no token.
        hits: Whether a hit may end the row: a step in which the model would have said what is banned
            (`guard.decoding.hits`).

    Other arguments:
        avoid: Ids that are banned, too, as long as the output is empty. If they are given, no hit ends the row in that step. None
            if a hit may.
        allowed: The patterns of texts that the row may say (`guard.decoding.allowing`).
        readings: Other ways to read the prompt. What a phrase is after any of them is banned.
    """

    def __init__(
        self,
        masks: Sequence[Masks],
        prompt: Sequence[int],
        output: Sequence[int],
        *,
        closed: bool = False,
        starves: bool = False,
        hits: bool = False,
        avoid: Sequence[int] | None = None,
        allowed: frozenset[str] = frozenset(),
        readings: Sequence[Sequence[int]] = (),
    ) -> None:
        self._masks = masks
        self._prompts = [prompt, *readings]
        self._allowed = allowed
        self.output = output
        self.read = 0
        self.cursors = self._begin()
        self.closed = closed
        self.starves = starves
        self.hits = hits
        self._first = None if avoid is None else _banned(avoid)

    def _begin(self) -> list[Cursor]:
        return [Cursor(masks, prompt, self._allowed) for prompt in self._prompts for masks in self._masks]

    @property
    def idle(self) -> bool:
        """Whether this row's logits never have to be edited."""
        return not self.closed and not self._masks and not self._first

    @property
    def apart(self) -> bool:
        """Whether the row cannot be in a lane: it says nothing, or its bans do not depend on one state per restriction alone."""
        return self.closed or len(self._prompts) > 1 or any(cursor.allowing for cursor in self.cursors)

    @property
    def ends_at_hit(self) -> bool:
        """Whether a hit in this step ends the row."""
        return self.hits and (self._first is None or bool(self.output))

    def bans(self) -> list[Ban] | None:
        """Read what was sampled since the last step, and return the bans for the next token.

        Returns:
            The bans, or None if the row may say nothing: it is closed, or its state is unknown because the engine has not yet
            told which token was sampled last (id -1).
        """
        if self.closed:
            return None
        if len(self.output) < self.read:
            # The engine took tokens back (a transfer of its cache failed): start again from the prompt.
            self.cursors = self._begin()
            self.read = 0
        if len(self.output) > self.read:
            new = self.output[self.read :]
            if -1 in new:
                return None
            for cursor in self.cursors:
                cursor.extend(new)
            self.read = len(self.output)
        bans = [ban for cursor in self.cursors for ban in cursor.bans()]
        return [*bans, self._first] if self._first and not self.output else bans


def _banned(ids: Sequence[int]) -> Ban:
    found = np.unique(np.array(ids, np.int64))
    return Ban(found, np.empty(0, np.int64), np.empty(0, np.float32))
