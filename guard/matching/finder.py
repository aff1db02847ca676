"""The finder: which of many phrases occur in a text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from guard.folding import fold
from guard.matching import kernels
from guard.matching.automaton import Automaton, as_bytes
from guard.matching.patterns import Patterns
from guard.phrase import Phrase


class Finder:
    """Phrases to be searched for in whole texts. The time is linear in the text, whatever the number of phrases."""

    def __init__(self, phrases: Sequence[Phrase]) -> None:
        patterns = Patterns.of(phrases)
        self._automaton, ends = Automaton.with_ends(patterns)
        # The pattern that ends at a node, int32 [nodes], -1 for none; and whether a word must end there, bool [nodes].
        self._pattern_at = np.full(len(self._automaton), -1, np.int32)
        self._pattern_at[ends] = patterns.first
        self._word_only = np.zeros(len(self._automaton), np.bool_)
        self._word_only[ends] = patterns.open_end == 0

    def find(self, text: str) -> list[tuple[int, int]]:
        """Return the phrases that occur in `text`: their index and the offset in bytes of folded text at which they end.

        The end of `text` is the end of a word. Of phrases with equal patterns only the first is reported; of a word and a
        prefix with one text, wherever either occurs.
        """
        a = self._automaton
        found = kernels.find(a.first_child, a.label, a.fail, self._pattern_at, self._word_only, a.start, as_bytes(fold(text)))
        return [(int(index), int(end)) for index, end in found]
