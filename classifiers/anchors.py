"""Anchors that a target's own facts propose: ordinary words in which its secret consists, if it is know-how and no name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from classifiers.semantic import exempt, folded_words
from guard.forms.judgement import looks_like_name
from guard.forms.names import PARTICLES, TITLES
from guard.frequency import english, english_words
from guard.stopwords import COMMON_WORDS

MOST: Final = 32
"""The most anchors that are proposed for a target."""
# The Zipf value from which on a word is too common to be an anchor: of completions, and of documents, which are long and mention
# many things in passing.
_COMMON: Final = 4.3
_COMMON_IN_DOCUMENT: Final = 3.5

_WORD: Final = re.compile(r"[^\W\d_]+")
_BEGINS: Final = re.compile(r"(?:\A|[.!?]\s+)([^\W\d_]+)")


def is_description(name: str) -> bool:
    """Return whether a target's name describes it in ordinary words ("how to make chlorine gas"), as that of know-how does.

    A proper name does not: one of a person, a work or a place. It has no ordinary word that is written small.
    """
    if looks_like_name(name):
        return False
    small = {word for word in _WORD.findall(name) if word.islower()} - COMMON_WORDS - PARTICLES - TITLES
    return not small.isdisjoint(english_words())


def proposed_anchors(
    names: Iterable[str], phrases: Iterable[str], completions: Sequence[str], documents: Sequence[str]
) -> list[str]:
    """Return the words of a target's facts that are worth being anchors, those in most facts first, then the rarest.

    These are English words that are written small. Left out are words of the names, frequent words, words of
    other languages, which the encoder does not know, and everything that is never compared (`classifiers.semantic.exempt`).

    Args:
        names: The target's names.
        phrases: The texts of its phrases.
        completions: The answers that give it away.
        documents: Texts about it.
    """
    named = {word for name in names for word in folded_words(name)}
    seen: Counter[str] = Counter()
    for texts, common in (([*phrases, *completions], _COMMON), (documents, _COMMON_IN_DOCUMENT)):
        for text in texts:
            # A word at the beginning of a sentence is written small elsewhere, if it is an English word.
            begins = {word for word in folded_words(" ".join(_BEGINS.findall(text))) if word in english_words()}
            small = begins | {found for word in _WORD.findall(text) if word.islower() for found in folded_words(word)}
            seen.update(word for word in small if word not in named and not exempt(word) and 0 < english(word) <= common)
    return sorted(seen, key=lambda word: (-seen[word], english(word), word))[:MOST]
