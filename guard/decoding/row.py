"""A row: one sequence of a batch, under all restrictions that hold for it."""

from __future__ import annotations

from collections.abc import Sequence

from guard.ban import Ban
from guard.decoding.cursor import Cursor
from guard.decoding.masks import Masks
from guard.meaning.semantic import SemanticCursor


class Row:
    """One sequence under its restrictions.

    `output` is the engine's own list of the ids sampled so far; it grows between steps, and `read` of them have been read. A row
    that is `closed` may say nothing at all. A row that `starves` may be left without any token by what the client asked for (a
    grammar, an allow-list) together with the bans.
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
        """Whether nothing ever has to be done to this row's logits."""
        return not self.closed and not self._masks

    @property
    def semantic(self) -> list[SemanticCursor]:
        """Where the sequence stands in each of its restrictions that have anchors."""
        return [cursor.semantic for cursor in self.cursors if cursor.semantic]

    def bans(self) -> list[Ban] | None:
        """Read what was sampled since the last step, and return what must not be sampled now, or None if nothing may.

        Nothing may also where the engine has not told yet which token was sampled last (id -1): the state is unknown.
        """
        if self.closed:
            return None
        if len(self.output) < self.read:
            # The engine took tokens back (a failed transfer of its cache): start again from the prompt.
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
