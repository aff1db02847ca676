"""A cursor: where one sequence stands in one restriction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from guard.ban import Ban
from guard.decoding.masks import Masks
from guard.folding import StreamFolder
from guard.matching import kernels
from guard.matching.automaton import ROOT
from guard.matching.compact import CompactCursor
from guard.meaning.semantic import SemanticCursor


class Cursor:
    """The state of one sequence in one restriction.

    `node` of the automaton; `pending`, at most three bytes of an unfinished character; `compact` and `semantic`, where the
    sequence stands in compact matching, if there are phrases for it, and in embedding matching, if there are anchors.
    """

    __slots__ = ("compact", "masks", "node", "pending", "semantic")

    def __init__(self, masks: Masks, prompt: Sequence[int] = ()) -> None:
        """Start behind the token ids `prompt`: a phrase that begins in its last message counts."""
        tail, whole = masks.vocabulary.tail(prompt, masks.depth)
        self.masks = masks
        self.pending = b""
        self.node = masks.automaton.start if whole else ROOT
        self.compact = CompactCursor(masks.compact, at_start=whole) if masks.compact else None
        self.semantic: SemanticCursor | None = None  # it reads its own tail of the prompt
        self.extend(tail)
        if masks.semantic:
            self.semantic = SemanticCursor(masks.semantic, prompt)

    def extend(self, ids: Sequence[int]) -> None:
        """Read the token ids that were sampled. Ids outside the vocabulary add no text."""
        if self.semantic:
            self.semantic.extend(ids)
        vocabulary = self.masks.vocabulary
        size, whole, folded = len(vocabulary), vocabulary.whole, vocabulary.folded
        if not self.pending and all(0 <= token < size and whole[token] for token in ids):
            # The usual case: the tokens' text is theirs alone, so all of it is read at once. Joined, it may have two spaces in a
            # row, which read as one.
            self._read(b"".join([folded[token] for token in ids]))
            return
        for token in ids:
            if not 0 <= token < size or not vocabulary.raw[token]:
                continue
            if self.pending or not whole[token]:
                # Only a token that ends inside a character leaves bytes behind; what it adds depends on the bytes before it.
                folder = StreamFolder(self._after_space, self.pending)
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

    @property
    def _after_space(self) -> bool:
        return bool(self.masks.automaton.label[self.node] == kernels.SPACE)

    def bans(self) -> list[Ban]:
        """Return the ids that would complete a phrase now, or say a word near an anchor; the parts may share ids."""
        parts = self.masks.at(self.node, self.pending)
        if self.compact:
            parts += self.compact.pending(self.pending, self._after_space) if self.pending else self.compact.bans()
        if self.semantic:
            parts += self.semantic.bans()
        return parts
