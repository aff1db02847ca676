"""Misspelt words: finds names in which words are misspelt, each word judged by itself.

`classifiers.naming.typos` allows a whole name one or two errors and none to a name of fewer than eight letters. Here each word of
at least five letters may have one ("frozn"), and a word of at least four may have its letters in another order ("spritied"), as in
"leged of zleda", if the result is no word that anybody knows and the first letter is right. The other words must be as listed.

The words of all names are in one table, by what is left after each deletion (SymSpell, see `classifiers.naming.typos`), and the
names in a trie of words, so that the time does not depend on the number of names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from guard.frequency import commonness, english_words
from guard.stopwords import COMMON_WORDS

_SHORTEST = 5
_LONGEST = 24
# The Zipf value from which on a word is known, and no error: "teh" has 3.0.
_KNOWN = 3.1
_ALWAYS = {"teh": "the", "hte": "the", "fo": "of", "adn": "and", "nad": "and", "wiht": "with", "thier": "their"}


@dataclass(slots=True)
class _Node:
    after: dict[str, _Node] = field(default_factory=dict)
    names: list[int] = field(default_factory=list)


class MisspeltIndex:
    """Searches for names with misspelt words."""

    def __init__(self, names: Sequence[str]) -> None:
        """Index folded names, each one once."""
        self._root = _Node()
        words: dict[str, None] = {}
        for index, name in enumerate(names):
            node = self._root
            for word in name.split():
                if (further := node.after.get(word)) is None:
                    further = node.after[word] = _Node()
                node = further
                words[word] = None
            node.names.append(index)
        self._words = frozenset(words)
        self._most = max((name.count(" ") + 1 for name in names), default=0)
        self._near: dict[str, list[str]] = {}
        for word in words:
            if _SHORTEST - 1 <= len(word) <= _LONGEST and word.isalpha():
                for key in _keys(word) if len(word) >= _SHORTEST else [_jumbled(word)]:
                    self._near.setdefault(key, []).append(word)

    def find(self, words: Sequence[str]) -> Iterator[tuple[int, int, int]]:
        """Yield names with misspelt words among the folded `words`: the index of each, its first word, and the one after its last.

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
        nodes = [(self._root, False)]
        at = first
        while nodes and at < len(words):
            further = []
            for node, wrong in nodes:
                if (same := node.after.get(words[at])) is not None:
                    further.append((same, wrong))
                further += [(other, True) for meant in read.get(at, ()) if (other := node.after.get(meant)) is not None]
            nodes, at = further, at + 1
            yield from ((index, first, at) for node, wrong in nodes if wrong for index in node.names)

    def _may_be_error(self, word: str) -> bool:
        if word in _ALWAYS:
            return True
        if not _SHORTEST - 1 <= len(word) <= _LONGEST + 1 or not word.isalpha() or word in self._words:
            return False
        return word not in english_words() and word not in COMMON_WORDS and commonness(word) < _KNOWN

    def _meant(self, word: str) -> list[str]:
        if word in _ALWAYS:
            return [_ALWAYS[word]]
        from rapidfuzz.distance import OSA

        found = dict.fromkeys(meant for key in _keys(word) for meant in self._near.get(key, ()) if meant[0] == word[0])
        return [
            meant
            for meant in found
            if OSA.distance(word, meant, score_cutoff=1) <= 1 or (len(word) == len(meant) and sorted(word) == sorted(meant))
        ]


def _keys(word: str) -> set[str]:
    """Return what two words share if one deletion from each leaves the same, or if they have the same letters."""
    keys = {word[:at] + word[at + 1 :] for at in range(1, len(word))}
    return keys | {word, _jumbled(word)}


def _jumbled(word: str) -> str:
    return " " + word[0] + "".join(sorted(word[1:]))
