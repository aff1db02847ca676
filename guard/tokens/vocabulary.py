"""A tokenizer's vocabulary as the matcher sees it: which folded text each token adds, sorted for range queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from guard.folding import StreamFolder
from guard.tokens.folded import broken, fold_pieces
from guard.tokens.pieces import Pieces


def incomplete_tail(data: bytes) -> int:
    """Return how many bytes at the end of `data` begin a UTF-8 character that is not complete: 0 to 3."""
    folder = StreamFolder()
    folder.feed(data)
    return len(folder.pending)


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The tokens of a tokenizer, folded once.

    `raw`: the bytes of each token id; empty for special and padding ids, which add no text to an answer. `special`: the special
    ids; in a prompt they are where one text ends and another begins. `folded`: what each token adds to a folded text.

    `guard.tokens.cache` keeps what is found here, for those who start often.
    """

    raw: Sequence[bytes]
    special: frozenset[int] = frozenset()

    # Tokens' folded bytes in sorted order: uint8 [bytes], int64 [tokens + 1], and the token id of each, int64 [tokens].
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
        """How many tokens add no folded text; they are the first in sorted order."""
        return int(np.searchsorted(self.start[1:], 0, side="right"))

    @cached_property
    def spaced(self) -> int:
        """The first token in sorted order, after the empty ones, that does not begin with a space."""
        first = self.text[self.start[self.empty : -1]] if self.empty < len(self) else self.text[:0]
        return self.empty + int(np.searchsorted(first, ord(" "), side="right"))

    @cached_property
    def cut(self) -> frozenset[int]:
        """Ids of tokens that begin or end inside a UTF-8 character: what they add depends on the bytes before them."""
        # Such a token is not UTF-8 by itself, and few are not.
        odd = {t for t in broken(Pieces.of(self.raw)).tolist() if incomplete_tail(self.raw[t])}
        return frozenset(odd.union(self.continuing.tolist()))

    @cached_property
    def whole(self) -> bytes:
        """One byte a token id: 1 unless the token is one of `cut`."""
        flags = bytearray(b"\1" * len(self))
        for token in self.cut:
            flags[token] = 0
        return bytes(flags)

    @cached_property
    def _solid(self) -> list[int]:
        """Bytes of folded text other than spaces, by token id."""
        lengths: list[int] = self.folded.without(ord(" ")).lengths.tolist()
        return lengths

    @cached_property
    def continuing(self) -> NDArray[np.int64]:
        """Ids of tokens that begin with a byte that continues a character, int64 [n]."""
        raw = Pieces.of(self.raw)
        held = np.flatnonzero(raw.lengths)
        first = raw.data[raw.start[held]]
        return np.asarray(held[(first & 0xC0) == 0x80], np.int64)

    def tail(self, ids: Sequence[int], length: int) -> tuple[Sequence[int], bool]:
        """Return the end of `ids` that holds at least `length` bytes of folded text other than spaces, and whether a text
        begins there.

        Special tokens end a text: what stands before the last of them is another message. Spaces do not count, because a run of
        them folds to one however many tokens it has.
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

    @classmethod
    def known(cls, raw: Pieces, special: frozenset[int], folded: Pieces, order: NDArray[np.int64]) -> Vocabulary:
        """Build from what another vocabulary found out: nothing is folded or sorted, and nothing checked."""
        vocabulary = object.__new__(cls)
        object.__setattr__(vocabulary, "special", special)
        vocabulary._set(raw, folded, order)
        return vocabulary

    @classmethod
    def of(cls, tokens: Iterable[bytes | None], size: int | None = None) -> Vocabulary:
        """Build from the bytes of ids 0, 1, 2 ...; None marks a special token.

        With a `size`, the width of the model's logits, ids up to it that are missing are padding, and ids beyond it are left
        out: the model cannot say them.
        """
        given = list(tokens)[:size]
        raw = [token or b"" for token in given]
        raw += [b""] * ((size or 0) - len(raw))
        return cls(raw, frozenset(t for t, token in enumerate(given) if token is None))
