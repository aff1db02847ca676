"""Allowed texts: what the prompt said and the answer may therefore say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from classifiers.verifying.likeness import is_form
from guard.folding import fold

Words = tuple[str, ...]


class Allowed:
    """Names, or facts, that an answer may say in any of their inflected forms, and in part."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = [words for text in dict.fromkeys(texts) if (words := tuple(fold(text).split()))]
        self.words = frozenset(word for words in self._texts for word in words)
        """The folded words of all of them."""

    def has(self, words: Sequence[str]) -> bool:
        """Return whether folded words are an allowed text, or some of its words side by side; the last may carry an ending."""
        if not (size := len(words)):
            return False
        return any(_same(text[at : at + size], words) for text in self._texts for at in range(len(text) - size + 1))

    def has_letters(self, letters: str) -> bool:
        """Return whether folded letters are those of an allowed text."""
        return any("".join(text) == letters for text in self._texts)

    def is_word(self, word: str) -> bool:
        """Return whether a folded word is one of an allowed text, perhaps with an ending."""
        return self.has((word,))


def _same(own: Words, words: Sequence[str]) -> bool:
    return own[:-1] == tuple(words[:-1]) and is_form(words[-1], own[-1])
