"""Near misses of facts: a text that says most of a fact's letters in order."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from classifiers.verifying.allowed import Allowed
from classifiers.verifying.finding import Finding
from classifiers.verifying.likeness import begun, is_begun, is_form, is_known, is_slip, lacks_or_repeats
from classifiers.verifying.nearness import Facts, Letters
from classifiers.verifying.profile import Fact, Profile
from classifiers.verifying.words import Word
from guard.stopwords import COMMON_WORDS

MOST = 0.75
"""The part of a fact's letters from which on a text nearly says it."""
# The part, and the fewest letters, of a fact that is said at its beginning without a break.
_UNBROKEN, _SURE = 0.7, 12
# The part from which on any word that is not correctly spelled is evidence, and that from which on nothing else is needed.
_MOSTLY, _NEARLY_ALL = 0.8, 0.95
# The fewest letters, and the part, of a word that has been begun.
_LETTERS_BEGUN, _PART_BEGUN = 3, 0.5


class NearFacts:
    """The facts of matched targets.

    The letters of a short fact are in order in some innocent texts, so a fact counts if there is evidence besides:

    - the window says the fact's first words, a stop word not alone, and half of the next one, three letters at least ("Lantern
      Gamb"); or seven tenths of the letters of a fact of 12 or more without a break;
    - or a word of it is not correctly spelled and is nearly a word of the fact, or two of its words joined; from four fifths of
      the letters on, any such word will do that is capitalised if the fact is;
    - or it says all words of the fact, each with one letter missing or more, or only begun, and capitalised;
    - or it says 95% of the letters of a fact of 12 or more.

    Words of an allowed text do not count: most of the letters of a fact's other words must be said, too.
    """

    def __init__(self, profiles: Sequence[Profile], allowed: Allowed) -> None:
        self._allowed = allowed
        self._facts = [(fact, profile.target_id) for profile in profiles for fact in profile.facts if not allowed.has(fact.words)]
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
            if _is_evident(fact, nearest.part, said) and self._is_new(fact, said):
                said = _without_neighbours(fact, said)
                yield Finding(said[0].start, said[-1].end, "name" if fact.name else "fact", owner)

    def _is_new(self, fact: Fact, said: Sequence[Word]) -> bool:
        """Return whether most letters of the fact's words that are not allowed are said by words that are not allowed."""
        own = [word for word in fact.words if not self._allowed.is_word(word)]
        other = [word.text for word in said if not self._allowed.is_word(word.text)]
        return bool(own) and _kept(own, other) >= MOST * sum(map(len, own))


def _is_evident(fact: Fact, part: float, said: Sequence[Word]) -> bool:
    texts = [word.text for word in said]
    letters = "".join(fact.words)
    if len(letters) >= _SURE and (part >= _NEARLY_ALL or _is_unbroken(fact, letters, said)):
        return len(fact.words) > 1 or not is_known(texts[0])
    if part >= _MOSTLY and any(_is_strange(word.text, fact.words) and word.capital >= fact.capital for word in said):
        return True
    if _is_broken_off(fact.words, texts) or _is_misspelt(fact.words, said):
        return True
    meant = [*fact.words, *(a + b for a, b in pairwise(fact.words) if not {a, b} & COMMON_WORDS)]
    return any(_is_nearly(word, meant) for word in texts)


def _is_unbroken(fact: Fact, letters: str, said: Sequence[Word]) -> bool:
    """Return whether `said` begins with enough of a fact's letters; the word in which they break off is like the fact's last one.

    It is not where the fact ends with a capitalised word, and this is a correctly spelled one in small letters.
    """
    texts = [word.text for word in said]
    size = begun("".join(texts), letters)
    if size < _UNBROKEN * len(letters):
        return False
    last = said[bisect_left(list(accumulate(map(len, texts))), size)]
    return last.capital or not fact.capital or not is_known(last.text)


def _is_strange(word: str, own: Sequence[str]) -> bool:
    """Return whether a word is neither correctly spelled, nor a number, nor one of a fact's own words."""
    return word.isalpha() and not is_known(word) and not any(is_form(word, one) for one in own)


def _is_nearly(word: str, meant: Sequence[str]) -> bool:
    """Return whether a word is not correctly spelled and is nearly one of others."""
    return _is_strange(word, meant) and any(is_slip(word, own) or is_begun(word, own) for own in meant)


def _is_misspelt(own: Sequence[str], said: Sequence[Word]) -> bool:
    """Return whether each word of a fact is said, perhaps with one letter less or more, or only begun.

    The first and the last must be capitalised.
    """
    texts = [word.text for word in said]
    for first in range(len(said) - len(own) + 1):
        pairs = list(zip(texts[first:], own, strict=False))
        if all(is_form(word, meant) or is_begun(word, meant) or lacks_or_repeats(word, meant) for word, meant in pairs):
            return len(own) > 1 and said[first].capital and said[first + len(own) - 1].capital
    return False


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
        if _kept(fact.words, texts) - _kept(fact.words, texts[:-1]) > 1:
            break
        said = said[:-1]
    return said


def _kept(own: Sequence[str], words: Sequence[str]) -> int:
    """Return how many letters of some words others have in order."""
    from rapidfuzz.distance import LCSseq

    return LCSseq.similarity("".join(own), "".join(words))
