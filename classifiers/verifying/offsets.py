"""Offsets: where in a text each part of its folded form comes from."""

from __future__ import annotations

from functools import cached_property

from guard.folding import StreamFolder, fold_sentences


class Folded:
    """A text and its folded form in UTF-8, in which the automata search."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.data = fold_sentences(text).encode()

    @cached_property
    def _places(self) -> list[int]:
        """For each byte of the folded form the character of the text that it comes from. Only a finding needs this."""
        folder = StreamFolder()
        places: list[int] = []
        for at, character in enumerate(self.text):
            places += [at] * len(folder.feed_text(character).encode())
        return places

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """Return where the bytes from `begin` to `end` (exclusive, at least one) of the folded form are in the text."""
        return self._places[begin], self._places[end - 1] + 1
