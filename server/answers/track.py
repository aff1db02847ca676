"""A track: one choice of an answer, from the pieces that the engine sent to those that may leave the server.

A piece that has left cannot be taken back. So a track holds back the text that may have to be taken back, and can be cut anywhere
behind what has left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from server.answers.chunk import Form, Piece


class Watch(Protocol):
    """Reads the text of one field as it comes, and knows how much of it may leave."""

    def feed(self, text: str) -> None:
        """Read the next part of the text."""
        ...

    def free(self) -> int:
        """Return how many characters from the beginning of the text may leave, whatever follows."""
        ...


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A piece that has not left, and where the choice's texts and tokens end with it."""

    piece: Piece
    ends: Mapping[str, int]
    tokens: int


class Track:
    """The state of one choice.

    Attributes:
        texts: The text of each field so far, without what was cut off. The last one is being said.
        ids: The ids of its tokens so far.
        dropped: The number of tokens that were cut off.
        like: A piece of the choice, for pieces that the server makes itself.
    """

    def __init__(self, form: Form, watch: Callable[[str], Watch]) -> None:
        """Begin a choice.

        Args:
            form: The form of the answer.
            watch: Returns what reads a field from its beginning; its argument is the name of the field.
        """
        self.texts: dict[str, str] = {}
        self.ids: list[int] = []
        self.dropped = 0
        self.like: Piece | None = None
        self.left: dict[str, int] = {}
        self._form = form
        self._watch = watch
        self._watches: dict[str, Watch] = {}
        self._waiting: list[_Waiting] = []

    @property
    def field(self) -> str | None:
        """The field that is being said; None if nothing has been said."""
        return next(reversed(self.texts), None)

    @property
    def text(self) -> str:
        """The text of that field."""
        return self.texts[self.field] if self.field else ""

    @property
    def sent(self) -> int:
        """The number of characters of that field that have left."""
        return self.left.get(self.field or "", 0)

    @property
    def watch(self) -> Watch:
        """What reads that field; what reads the main field if nothing has been said."""
        return self._watches[self.field] if self.field else self._watch(self._form.main)

    def rewatch(self, watch: Callable[[str], Watch]) -> None:
        """Have the fields read by other watches from now on, under which more or less may leave."""
        self._watch = watch
        for field, text in self.texts.items():
            self._reread(field, text)

    def _reread(self, field: str, text: str) -> None:
        """Have a field read anew, from its beginning."""
        self._watches[field] = self._watch(field)
        self._watches[field].feed(text)

    def add(self, piece: Piece) -> None:
        """Add a piece behind the others."""
        self.like = self.like or piece
        for field, text in piece.texts.items():
            if text:
                if field not in self.texts:
                    self.texts[field] = ""
                    self._watches[field] = self._watch(field)
                self.texts[field] += text
                self._watches[field].feed(text)
        self.ids += piece.tokens
        self._waiting.append(_Waiting(piece, {field: len(text) for field, text in self.texts.items()}, len(self.ids)))

    def leaving(self, *, ended: bool = False) -> list[Piece]:
        """Return the pieces that may leave now, and forget them. If the choice has `ended`, these are all."""
        leaving: list[Piece] = []
        free = {field: self.free(field, ended=ended) for field in self.texts}
        while self._waiting and (ended or all(end <= free[field] for field, end in self._waiting[0].ends.items())):
            first = self._waiting.pop(0)
            self.left.update(first.ends)
            leaving.append(first.piece)
        return leaving

    def free(self, field: str, *, ended: bool = False) -> int:
        """Return how many characters of a field may leave: all, if the choice has `ended` or another field is being said."""
        return len(self.texts[field]) if ended or field != self.field else self._watches[field].free()

    def cut(self, field: str, at: int, tokens: int) -> None:
        """Drop what a field says from character `at` on, the fields after it, and all but the first `tokens` tokens.

        Args:
            field: The field.
            at: A character of it that has not left.
            tokens: The number of tokens of the choice that remain.
        """
        names = list(self.texts)
        later = set(names[names.index(field) + 1 :])
        ends = {name: at if name == field else 0 if name in later else len(text) for name, text in self.texts.items()}
        kept: list[_Waiting] = []
        start: Mapping[str, int] = dict(self.left)
        first = len(self.ids) - sum(len(one.piece.tokens) for one in self._waiting)
        for one in self._waiting:
            short = {name: min(end, ends[name]) for name, end in one.ends.items()}
            if short == one.ends and one.tokens <= tokens:
                kept.append(one)
            else:
                room = {name: max(0, end - start.get(name, 0)) for name, end in short.items()}
                if any(room.values()) or first < tokens:
                    piece = self._form.cut(one.piece, room, max(0, tokens - first))
                    kept.append(_Waiting(piece, short, min(one.tokens, tokens)))
            start, first = one.ends, one.tokens
        self._waiting = kept
        self.dropped += len(self.ids) - tokens
        del self.ids[tokens:]
        for name in later:
            if not self.left.get(name):
                del self.texts[name]
                del self._watches[name]
        self.texts[field] = self.texts[field][:at]
        self._reread(field, self.texts[field])
