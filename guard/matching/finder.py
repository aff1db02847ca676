"""The finder: searches a text for many phrases at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from guard.folding import fold_sentences
from guard.matching import kernels
from guard.matching.automaton import Automaton, as_bytes
from guard.matching.patterns import Patterns
from guard.phrase import Phrase


class Finder:
    """Searches whole texts for phrases. The time grows with the text, not with the number of phrases."""

    def __init__(self, phrases: Sequence[Phrase]) -> None:
        patterns = Patterns.of(phrases)
        self._automaton, ends = Automaton.with_ends(patterns)
        # By node: the first phrase whose pattern ends there, or -1; and whether a word must end there, too.
        self._pattern_at = np.full(len(self._automaton), -1, np.int32)
        self._pattern_at[ends] = patterns.first
        self._word_only = np.zeros(len(self._automaton), np.bool_)
        self._word_only[ends] = patterns.ends[0] == 0

    def find(self, text: str) -> list[tuple[int, int]]:
        """Return the occurrences of phrases in `text`.

        The end of `text` ends a word. Phrases with equal patterns are reported as the first of them. If one of these is a word
        and another a prefix, the occurrences of the prefix are reported.

        Returns:
            For each occurrence the phrase's index and where it ends, as an offset in bytes of the folded text.
        """
        a = self._automaton
        found = kernels.find(*a.paths, self._pattern_at, self._word_only, a.start, as_bytes(fold_sentences(text)))
        return [(int(index), int(end)) for index, end in found]
