"""Judgement: whether a text looks like a name, and whether a name is made of ordinary words.

A name of ordinary words ("Will Price", "Frank Cotter") occurs in prose that means no person. Whether a word is ordinary is
decided by `guard.frequency.english_words`, the words that English prose writes in lower case. Frequency alone does not tell:
"Harry" and "Einstein" are more frequent than "cotter".
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from guard.forms.distinctive import GIVEN_NAMES
from guard.forms.names import PARTICLES, TITLES, Part, folded_words, split_name
from guard.frequency import english_words
from guard.recut import recut
from guard.stopwords import COMMON_WORDS

_NO_PERSON_WORDS = """
    new north south east west upper lower great little old san santa santo sao los las saint fort port mount lake cape isle river
    university college school institute academy museum library hospital church cathedral street road avenue square city county
    island islands mountain mountains valley bay beach park bridge river lake sea ocean award prize medal cup league festival
    orchestra society association company inc ltd corp club party press times post records studios theatre theater war award act
"""
# Capitalised words before or after a name that is of no person.
_NO_PERSON = frozenset(_NO_PERSON_WORDS.split())


@lru_cache(maxsize=65536)
def looks_like_name(text: str) -> bool:
    """Return whether a text looks like a person's name: two to four capitalised words, initials or particles.

    At least one is no ordinary English word, none is a stop word, and neither the first nor the last is one of places and
    institutions ("Port", "University"). Scripts without capitals never look so.
    """
    if any(character.isdigit() for character in text):
        return False
    tokens = text.replace(",", " ").split()
    if not 2 <= len(tokens) <= 4:
        return False
    capitals = 0
    for token in tokens:
        words = folded_words(token)
        if not words:
            return False
        if words[0] in PARTICLES and token[0].islower():
            continue
        if not token[0].isupper() or (len(token) > 2 and " ".join(words) in COMMON_WORDS):
            return False
        capitals += 1
    words = folded_words(text)
    if words[0] in _NO_PERSON or words[-1] in _NO_PERSON:
        return False
    return capitals >= 2 and not all(len(word) < 3 or word in english_words() or word in PARTICLES for word in words)


def made_of_ordinary_words(name: str) -> bool:
    """Return whether a name could be ordinary English prose: such a name is better `gated`.

    It is if each of its words is an ordinary word ("Will Price", "Chase Banks"), or if its letters, closed up, can be cut into
    other, very frequent words ("Justin Case"). A single word is judged by itself. Titles and particles do not count.
    """
    return are_ordinary(split_name(name))


def are_ordinary(parts: Sequence[Part]) -> bool:
    """Return the same for the parts of a name."""
    words = [word for part in parts for word in part.words if word not in TITLES]
    if not words:
        return False
    if all(_is_word(word) for word in words):
        return True
    return len(words) > 1 and recut(words, GIVEN_NAMES)


def _is_word(word: str) -> bool:
    return word in english_words() or word in COMMON_WORDS
