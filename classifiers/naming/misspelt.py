"""Misspelt words: finds names in which words are misspelt, each word judged by itself.

`classifiers.naming.typos` allows a whole name one or two errors and none to a name of fewer than eight letters. Here each word of
at least five letters may have one ("frozn"), and a word of at least four may have its letters in another order ("spritied"), if
the result is no known word and the first letter is right, as in "leged of zleda". The other words must be as listed.

The words of all names are in one table by their halves, of which one error leaves one (Wu and Manber, "Fast text searching
allowing errors", CACM 35(10), 1992), and all beginnings of names are in a set, so that the time does not depend on the number of
names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from guard.frequency import commonness, english_words
from guard.stopwords import COMMON_WORDS

_SHORTEST = 5
_LONGEST = 24
# The Zipf value from which on a word is known, and no error: "teh" has 3.0.
_KNOWN = 3.1
_ALWAYS = {"teh": "the", "hte": "the", "fo": "of", "adn": "and", "nad": "and", "nda": "and"}


class MisspeltIndex:
    """Searches for names with misspelt words."""

    def __init__(self, names: Sequence[str]) -> None:
        """Index folded names, each one once."""
        self._names = {name: index for index, name in enumerate(names)}
        # Strings alone: the garbage collector would visit a hundred thousand lists again and again.
        self._beginnings: set[str] = set()
        words: dict[str, None] = {}
        for name in names:
            at = name.find(" ")
            while at >= 0:
                self._beginnings.add(name[:at])
                at = name.find(" ", at + 1)
            words.update(dict.fromkeys(name.split()))
        self._words = frozenset(words)
        self._most = max((name.count(" ") + 1 for name in names), default=0)
        self._near: dict[str, str] = {}
        for word in words:
            if _SHORTEST - 1 <= len(word) <= _LONGEST and word.isalpha():
                for key in _entered(word):
                    self._near[key] = f"{self._near[key]} {word}" if key in self._near else word

    def find(self, words: Sequence[str]) -> Iterator[tuple[int, int, int]]:
        """Yield each name with misspelt words among the folded `words`: its index, its first word, the one after its last.

        A name without an error is not reported.
        """
        if not self._words:
            return
        read: dict[int, list[str]] = {}
        for at, word in enumerate(words):
            if self._may_be_error(word) and (meant := self._meant(word)):
                read[at] = meant
        begun: set[int] = set()
        for at in read:
            for first in range(max(0, at - self._most + 1), at + 1):
                if first not in begun:
                    begun.add(first)
                    yield from self._walk(words, read, first)

    def _walk(self, words: Sequence[str], read: dict[int, list[str]], first: int) -> Iterator[tuple[int, int, int]]:
        begun, at = {"": False}, first
        while begun and at < len(words):
            further: dict[str, bool] = {}
            for beginning, wrong in begun.items():
                for word in (words[at], *read.get(at, ())):
                    longer = f"{beginning} {word}" if beginning else word
                    further[longer] = wrong or word is not words[at]
            at += 1
            yield from ((self._names[text], first, at) for text, wrong in further.items() if wrong and text in self._names)
            begun = {text: wrong for text, wrong in further.items() if text in self._beginnings}

    def _may_be_error(self, word: str) -> bool:
        if not _SHORTEST - 1 <= len(word) <= _LONGEST + 1:
            return word in _ALWAYS
        return not _is_known(word) and word.isalpha() and word not in self._words

    def _meant(self, word: str) -> list[str]:
        if word in _ALWAYS:
            return [_ALWAYS[word]]
        from rapidfuzz.distance import OSA

        found = dict.fromkeys(meant for key in _sought(word) for meant in self._near.get(key, "").split() if meant[0] == word[0])
        return [
            meant
            for meant in found
            if OSA.distance(word, meant, score_cutoff=1) <= 1 or (len(word) == len(meant) and sorted(word) == sorted(meant))
        ]


def _entered(word: str) -> Iterator[str]:
    """Yield the keys of a word of a name: its halves, because one error leaves one of them, and its letters in order."""
    if len(word) >= _SHORTEST:
        half = len(word) // 2
        yield f"{len(word)}<{word[:half]}"
        yield f"{len(word)}>{word[half:]}"
    yield _jumbled(word)


def _sought(word: str) -> Iterator[str]:
    """Yield the keys under which words may be entered that `word` may mean."""
    for length in range(len(word) - 1, len(word) + 2):
        half = length // 2
        yield f"{length}<{word[:half]}"
        yield f"{length}>{word[half - length :]}"
    yield _jumbled(word)


def _jumbled(word: str) -> str:
    return word[0] + "".join(sorted(word[1:]))


@lru_cache(maxsize=65_536)
def _is_known(word: str) -> bool:
    return word in english_words() or word in COMMON_WORDS or commonness(word) >= _KNOWN
