"""A tokenizer's vocabulary for the matcher: the folded text that each token adds, sorted for range queries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from guard.ban import Ban
from guard.folding import StreamFolder
from guard.tokens.folded import broken, fold_pieces
from guard.tokens.pieces import Pieces

_BREAK = re.compile(rb"\. [^ .]")


def incomplete_tail(data: bytes) -> int:
    """Return how many bytes at the end of `data` are the beginning of an incomplete UTF-8 character: 0 to 3."""
    folder = StreamFolder()
    folder.feed(data)
    return len(folder.pending)


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The tokens of a tokenizer, folded once. `guard.tokens.cache` keeps vocabularies on disk.

    Attributes:
        raw: The bytes of each token id; empty for special and padding ids, which add no text to an answer.
        special: The special ids. In a prompt, one text ends and another begins there.
        text: uint8 [bytes]; the folded tokens in ascending order.
        start: int64 [tokens + 1]; where each token begins in `text`, and where the last one ends.
        order: int64 [tokens]; the token ids in this order.
        folded: What each token id adds to a folded text.
    """

    raw: Sequence[bytes]
    special: frozenset[int] = frozenset()

    text: NDArray[np.uint8] = field(init=False, repr=False)
    start: NDArray[np.int64] = field(init=False, repr=False)
    order: NDArray[np.int64] = field(init=False, repr=False)
    folded: Pieces = field(init=False, repr=False)

    def __post_init__(self) -> None:
        raw = Pieces.of(self.raw)
        folded = fold_pieces(raw)
        self._set(raw, folded, folded.order())

    def _set(self, raw: Pieces, folded: Pieces, order: NDArray[np.int64]) -> None:
        ordered = folded.take(order)
        object.__setattr__(self, "raw", raw)
        object.__setattr__(self, "folded", folded)
        object.__setattr__(self, "order", order)
        object.__setattr__(self, "start", ordered.start)
        object.__setattr__(self, "text", ordered.data)

    def __len__(self) -> int:
        return len(self.raw)

    @cached_property
    def empty(self) -> int:
        """The number of tokens that add no folded text. They are the first in ascending order."""
        return int(np.searchsorted(self.start[1:], 0, side="right"))

    @cached_property
    def dotted(self) -> int:
        """The position in ascending order of the first token that is not empty and does not begin with a space."""
        return self._first_above(" ")

    @cached_property
    def lettered(self) -> int:
        """The position in ascending order of the first token that begins with a letter or digit."""
        return self._first_above(".")

    def _first_above(self, byte: str) -> int:
        first = self.text[self.start[self.empty : -1]] if self.empty < len(self) else self.text[:0]
        return self.empty + int(np.searchsorted(first, ord(byte), side="right"))

    @cached_property
    def spacing(self) -> NDArray[np.int64]:
        """The ids of tokens that begin with a space, int64 [n], ascending."""
        return np.sort(self.order[self.empty : self.dotted])

    @cached_property
    def gapped(self) -> NDArray[np.int64]:
        """The ids of tokens that begin with a space or dot, int64 [n], ascending."""
        return np.sort(self.order[self.empty : self.lettered])

    @cached_property
    def breaking(self) -> NDArray[np.int64]:
        """The ids of tokens in which a sentence ends before a letter or digit, int64 [n]. Few vocabularies have any."""
        found = [t for t in np.flatnonzero(self._dots).tolist() if _BREAK.search(self.folded[t])]
        return np.array(found, np.int64)

    @cached_property
    def _dots(self) -> NDArray[np.bool_]:
        """Whether each token has a dot, bool [tokens]."""
        count = np.append(0, np.cumsum(self.folded.data == ord(".")))
        return np.asarray(np.diff(count[self.folded.start]) > 0)

    @cached_property
    def broken(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The folded texts of the tokens `breaking`, one after the other: uint8 [bytes], and where each begins, int64 [n + 1]."""
        taken = self.folded.take(self.breaking)
        return taken.data, taken.start

    def texts(self, ban: Ban) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]:
        """Return all ids of a ban, ascending, and the folded texts of these tokens one after the other with their beginnings."""
        ids = np.sort(np.concatenate([ban.ids, ban.soft]))
        taken = self.folded.take(ids)
        return ids, taken.data, taken.start

    @cached_property
    def cut(self) -> frozenset[int]:
        """The ids of tokens that begin or end inside a UTF-8 character. What they add depends on the bytes before them."""
        # Such a token is not valid UTF-8 by itself, and few tokens are not.
        odd = {t for t in broken(Pieces.of(self.raw)).tolist() if incomplete_tail(self.raw[t])}
        return frozenset(odd.union(self.continuing.tolist()))

    @cached_property
    def whole(self) -> bytes:
        """One byte per token id: 0 for the tokens in `cut`, 1 for all others."""
        flags = bytearray(b"\1" * len(self))
        for token in self.cut:
            flags[token] = 0
        return bytes(flags)

    @cached_property
    def _solid(self) -> list[int]:
        """The bytes of each token's folded text without spaces, by token id."""
        lengths: list[int] = self.folded.without(ord(" ")).without(ord(".")).lengths.tolist()
        return lengths

    @cached_property
    def continuing(self) -> NDArray[np.int64]:
        """The ids of tokens that begin with a byte that continues a character, int64 [n]."""
        raw = Pieces.of(self.raw)
        held = np.flatnonzero(raw.lengths)
        first = raw.data[raw.start[held]]
        return np.asarray(held[(first & 0xC0) == 0x80], np.int64)

    def tail(self, ids: Sequence[int], length: int) -> tuple[Sequence[int], bool]:
        """Return the end of a prompt, as far as a phrase or a word may have begun in it.

        A special token ends a message, so the tail begins behind the last one. Spaces do not count, because any run of them folds
        to one.

        Args:
            ids: The prompt's token ids.
            length: The least number of bytes of folded text without spaces in the tail, unless the prompt is shorter.

        Returns:
            The tail, and whether a text begins there.
        """
        held, solid = 0, self._solid
        for at in range(len(ids) - 1, -1, -1):
            if ids[at] in self.special:
                return ids[at + 1 :], True
            if held >= length:
                return ids[at + 1 :], False
            if 0 <= ids[at] < len(solid):
                held += solid[ids[at]]
        return ids, True

    def joined(self, ids: Sequence[int]) -> list[list[int]]:
        """Return other ways to read a prompt in which special tokens end no text: as nothing, and as a space each.

        [] if it has none but at its beginning.
        """
        text = next((at for at, token in enumerate(ids) if token not in self.special), len(ids))
        own = ids[text:]
        if not any(token in self.special for token in own):
            return []
        found = [[token for token in own if token not in self.special]]
        space = next((token for token in self.spacing.tolist() if self.folded[token] == b" "), None)
        if space is not None:
            found.append([space if token in self.special else token for token in own])
        return found

    @classmethod
    def known(cls, raw: Pieces, special: frozenset[int], folded: Pieces, order: NDArray[np.int64]) -> Vocabulary:
        """Build a vocabulary from another one's parts. Nothing is folded, sorted or checked."""
        vocabulary = object.__new__(cls)
        object.__setattr__(vocabulary, "special", special)
        vocabulary._set(raw, folded, order)
        return vocabulary

    @classmethod
    def of(cls, tokens: Iterable[bytes | None], size: int | None = None) -> Vocabulary:
        """Build a vocabulary from the bytes of ids 0, 1, 2 ...

        Args:
            tokens: The bytes of each token; None for a special token.
            size: The width of the model's logits. Missing ids up to it are padding; ids beyond it are left out, because the model
                cannot say them.
        """
        given = list(tokens)[:size]
        raw = [token or b"" for token in given]
        raw += [b""] * ((size or 0) - len(raw))
        return cls(raw, frozenset(t for t, token in enumerate(given) if token is None))
