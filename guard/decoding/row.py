"""A row: one sequence of a batch, under all its restrictions."""

from __future__ import annotations

from collections.abc import Sequence

from guard.ban import Ban
from guard.decoding.cursor import Cursor
from guard.decoding.masks import Masks
from guard.meaning.semantic import SemanticCursor


class Row:
    """One sequence under its restrictions.

    Attributes:
        output: The engine's own list of the ids sampled so far. It grows between steps.
        read: How many ids of `output` have been read.
        cursors: The state in each restriction.
        closed: Whether the row may say nothing at all.
        starves: Whether the bans, together with what the client asked for (a grammar, an allow-list), may leave no token.
    """

    def __init__(
        self, masks: Sequence[Masks], prompt: Sequence[int], output: Sequence[int], *, closed: bool = False, starves: bool = False
    ) -> None:
        self._masks = masks
        self._prompt = prompt
        self.output = output
        self.read = 0
        self.cursors = [Cursor(m, prompt) for m in masks]
        self.closed = closed
        self.starves = starves

    @property
    def idle(self) -> bool:
        """Whether this row's logits never have to be edited."""
        return not self.closed and not self._masks

    @property
    def semantic(self) -> list[SemanticCursor]:
        """The states in those of its restrictions that have anchors."""
        return [cursor.semantic for cursor in self.cursors if cursor.semantic]

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
            self.cursors = [Cursor(m, self._prompt) for m in self._masks]
            self.read = 0
        if len(self.output) > self.read:
            new = self.output[self.read :]
            if -1 in new:
                return None
            for cursor in self.cursors:
                cursor.extend(new)
            self.read = len(self.output)
        return [ban for cursor in self.cursors for ban in cursor.bans()]
