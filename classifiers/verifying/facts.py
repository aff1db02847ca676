"""Near misses of facts: a text that says most of a fact's letters in order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from classifiers.verifying.allowed import Allowed
from classifiers.verifying.finding import Finding
from classifiers.verifying.likeness import begun, is_begun, is_form, is_known, is_slip
from classifiers.verifying.nearness import Facts, Letters
from classifiers.verifying.profile import Fact, Profile
from classifiers.verifying.words import Word
from guard.stopwords import COMMON_WORDS

MOST = 0.75
"""The part of a fact's letters from which on a text nearly says it."""
# The part that a text nearly says without any further evidence.
_NEARLY_ALL = 0.9
# The fewest letters, and the part, of a word that has been begun.
_LETTERS_BEGUN, _PART_BEGUN = 3, 0.5
_SURE = 14


class NearFacts:
    """The facts of matched targets.

    The letters of a short fact are in order in some innocent texts, so a fact counts if there is evidence besides:

    - the window says the fact's first words, a stop word not alone, and half of the next one, three letters at least ("Lantern
      Gamb");
    - or a word of the window is not correctly spelled and is nearly a word of the fact, or two of its words joined;
    - or nine tenths of a fact of 14 letters or more are said.
    """

    def __init__(self, profiles: Sequence[Profile], allowed: Allowed) -> None:
        self._facts: list[tuple[Fact, str]] = []
        for profile in profiles:
            for fact in profile.facts:
                if not allowed.has(fact.words):
                    self._facts.append((fact, profile.target_id))
        self._compared = Facts([fact.text for fact, _ in self._facts])

    def findings(self, words: Sequence[Word]) -> Iterator[Finding]:
        """Yield the places of a text that nearly say a fact."""
        if not self._facts or not words:
            return
        letters = Letters.of_words([word.text for word in words])
        begins = letters.begins.tolist()
        for (fact, owner), nearest in zip(self._facts, self._compared.nearest(letters, MOST), strict=True):
            if nearest.part < MOST:
                continue
            said = words[bisect_right(begins, nearest.first) - 1 : bisect_right(begins, nearest.last - 1)]
            if self._is_evident(fact, nearest.part, said):
                said = _without_neighbours(fact, said)
                yield Finding(said[0].start, said[-1].end, "name" if fact.name else "fact", owner)

    @staticmethod
    def _is_evident(fact: Fact, part: float, said: Sequence[Word]) -> bool:
        letters = sum(map(len, fact.words))
        if part >= _NEARLY_ALL and letters >= _SURE:
            return True
        if _is_broken_off(fact.words, [word.text for word in said]):
            return True
        meant = [*fact.words, *(a + b for a, b in pairwise(fact.words) if not {a, b} & COMMON_WORDS)]
        return any(_is_nearly(word.text, meant) for word in said)


def _is_nearly(word: str, meant: Sequence[str]) -> bool:
    """Return whether a word is not correctly spelled and is nearly one of others."""
    if is_known(word) or any(is_form(word, own) for own in meant):
        return False
    return any(is_slip(word, own) or is_begun(word, own) for own in meant)


def _is_broken_off(own: Sequence[str], said: Sequence[str]) -> bool:
    """Return whether `said` begins with words of a fact, not all of them stop words, and half of the next one."""
    for before, word in enumerate(own):
        if before == len(said):
            return False
        if said[before] != word:
            whole = not COMMON_WORDS.issuperset(own[:before])
            return whole and begun(said[before], word) >= max(_LETTERS_BEGUN, _PART_BEGUN * len(word))
    return True


def _without_neighbours(fact: Fact, said: Sequence[Word]) -> Sequence[Word]:
    """Return the words without those at the end that have only one letter of the fact."""
    while len(said) > 1:
        texts = [word.text for word in said]
        if _kept(fact, texts) - _kept(fact, texts[:-1]) > 1:
            break
        said = said[:-1]
    return said


def _kept(fact: Fact, words: Sequence[str]) -> int:
    from rapidfuzz.distance import LCSseq

    return LCSseq.similarity("".join(fact.words), "".join(words))
