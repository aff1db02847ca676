"""A cursor: the state of one sequence under one restriction."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np

from guard.ban import Ban
from guard.decoding.allowing import allowing
from guard.decoding.masks import Masks
from guard.folding import StreamFolder
from guard.matching.automaton import ROOT
from guard.matching.compact import CompactCursor
from guard.matching.gaps import GapCursor


class Cursor:
    """The state of one sequence under one restriction.

    Attributes:
        masks: The restriction's masks.
        allowing: What texts that this sequence may say change about its bans; None if they change nothing.
        node: The state of the automaton, which may be one behind a dot (`guard.matching.kernels`).
        pending: The bytes of an unfinished character: three at most.
        compact: The state of compact matching; None if the restriction has no compact phrases.
        gaps: The state in names with gaps; None if the restriction has none.
    """

    __slots__ = ("allowing", "compact", "gaps", "masks", "node", "pending")

    def __init__(self, masks: Masks, prompt: Sequence[int] = (), allowed: frozenset[str] = frozenset()) -> None:
        """Start behind the token ids `prompt`. A phrase may begin in the prompt's last message.

        `allowed`: the patterns of texts that may be said; see `guard.decoding.allowing`.
        """
        tail, whole = masks.vocabulary.tail(prompt, masks.depth)
        self.masks = masks
        self.allowing = allowing(masks, allowed)
        self.pending = b""
        self.node = masks.automaton.start if whole else ROOT
        self.compact = CompactCursor(masks.compact, at_start=whole) if masks.compact else None
        self.gaps = GapCursor(masks.gaps, at_start=whole) if masks.gaps else None
        self.extend(tail)

    def copy(self) -> Cursor:
        """Return a cursor in the same state, which moves by itself."""
        other = copy.copy(self)
        other.compact = copy.copy(self.compact)
        other.gaps = self.gaps.copy() if self.gaps else None
        return other

    def extend(self, ids: Sequence[int]) -> None:
        """Read sampled token ids. Ids outside the vocabulary add no text."""
        vocabulary = self.masks.vocabulary
        size, whole, folded = len(vocabulary), vocabulary.whole, vocabulary.folded
        if not self.pending and all(0 <= token < size and whole[token] for token in ids):
            # The usual case: what each token adds does not depend on the others, so all of it is read at once. The joined text
            # may have runs of spaces and dots; the automaton reads them as folding would join them.
            self._read(b"".join([folded[token] for token in ids]))
            return
        for token in ids:
            if not 0 <= token < size or not vocabulary.raw[token]:
                continue
            if self.pending or not whole[token]:
                # What a token adds that begins or ends inside a character depends on the bytes before it.
                folder = StreamFolder(self.masks.automaton.last(self.node), self.pending)
                text = folder.feed(vocabulary.raw[token])
                self.pending = folder.pending
            else:
                text = folded[token]
            self._read(text)

    def _read(self, folded: bytes) -> None:
        if folded:
            text = np.frombuffer(folded, np.uint8)
            self.node = self.masks.automaton.walk(self.node, text)
            if self.compact:
                self.compact.read(text)
            if self.gaps:
                self.gaps.read(text)

    def bans(self) -> list[Ban]:
        """Return the ids that would now complete a phrase. The parts may share ids."""
        parts = (self.allowing or self.masks).at(self.node, self.pending)
        if self.compact and self.allowing:
            parts += self.allowing.compact(self.compact, self.pending, self.masks.automaton.last(self.node))
        elif self.compact and self.pending:
            parts += self.compact.pending(self.pending, self.masks.automaton.last(self.node))
        elif self.compact:
            parts += self.compact.bans()
        if self.gaps:
            found = self.gaps.pending(self.pending, self.masks.automaton.last(self.node)) if self.pending else self.gaps.bans()
            parts += [self.masks.gapped(self.node, ban, self.gaps.state, self.pending) for ban in found]
        return parts
