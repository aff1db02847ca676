"""Names that are cut short: "Continue: 'Yrsa Thol'" asks the model for the rest of a name.

The end of a text counts, and the end of a quotation. Without a word that asks to go on, the end may be a name of its own ("John
Stein" is no part of "John Steinbeck").
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from typing import Final

from guard.folding import fold

# The fewest letters of the last word that are there, and the fewest that are missing.
_SHORTEST, _MISSING = 2, 2
_MOST_WORDS = 5
# The most ends that are looked at, the last ones, and how far back.
_MOST_ENDS, _BACK = 64, 200
_END = re.compile(r"[^\W_](?=[\s.\u2026_-]*(?:[\"'`\u00ab\u00bb\u2018\u2019\u201c\u201d\u201e\u203a\u300d\u300f]|$))")
_GO_ON_WORDS: Final = """
    continue complete finish fill autocomplete completion rest spell missing ends end ending next
    erganze erganzen vervollstandige vervollstandigen fortsetzen setze fort
    complete completez completer continue continuez termine terminez finis
    completa completar continua continuar termina terminar
"""
_GO_ON = frozenset(_GO_ON_WORDS.split())


class CutIndex:
    """Finds names of which the last word is cut short."""

    def __init__(self, names: Iterable[str]) -> None:
        """Index folded names of two words or more."""
        self._last: dict[str, list[tuple[str, int]]] = {}
        for number, name in enumerate(names):
            words = name.split()
            if 1 < len(words) <= _MOST_WORDS:
                self._last.setdefault(" ".join(words[:-1]), []).append((words[-1], number))

    def find(self, text: str) -> list[int]:
        """Return the numbers of the names that a text asks to complete."""
        if not self._last or _GO_ON.isdisjoint(fold(text).split()):
            return []
        found: dict[int, None] = {}
        for end in deque(_END.finditer(text), _MOST_ENDS):
            words = fold(text[max(0, end.end() - _BACK) : end.end()]).split()
            begun = words[-1] if words else ""
            for count in range(2, min(_MOST_WORDS, len(words)) + 1):
                for last, number in self._last.get(" ".join(words[-count:-1]), ()):
                    if len(begun) >= _SHORTEST and last.startswith(begun) and len(last) - len(begun) >= _MISSING:
                        found[number] = None
        return list(found)
