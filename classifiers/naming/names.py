"""Names: the other ways in which a name is written, and whether such a way still means one person.

What is made: the parts in the other order ("Yun-Hwa Hsiao", "Hsiao, Yun-Hwa"), initials ("Y.-H. Hsiao", "JK Rowling", "Joanne
K. Rowling"), middle names, titles and particles left out, hyphens and apostrophes closed up ("Yunhwa", "OBrien"), the German
genitive ("Hsiaos"). What needs no variant because folding does it: case, accents, punctuation, possessives after an apostrophe,
scripts without spaces directly behind a name.

What is not made: a surname or a given name alone (the operator lists it where it is wanted), nicknames (Bill for William), a
name that replaces another (marriage, pen names), given names spelled out where the target has initials, and a middle name added
that the target does not have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from classifiers.words import zipf
from guard.folding import fold
from guard.stopwords import COMMON_WORDS

# What a single letter tells, log10 of the letters it could be, less for frequent ones.
_INITIAL = 1.2
# Letters that stand alone in ordinary folded text: articles, pronouns, Spanish and French words, and the ends of "it's", "don't",
# "she'd", "I'm", "l'eau", "d'or".
_LONE_LETTERS = frozenset("aiesotydlm")
SPECIFIC = 9.5
"""The least `specificity` of a variant of whole words; the table in the tests shows which side of it names fall on."""
SPECIFIC_WITH_INITIALS = 7.5
"""The least `specificity` of a variant with initials: they are seldom there by chance."""
# Zipf value below which a word is no common given name.
_RARE = 3.8
# Letters of a surname that may stand with a single initial.
_LONG_SURNAME = 9
_MOST_PARTS = 6

_PARTICLES = """
    von van vom zu zum zur af av de del della dei di da do dos das du des la le les lo el al ar as ash ad an ul bin ibn ben bint
    abu abd ter ten den der st san y e
"""
PARTICLES = frozenset(_PARTICLES.split())
"""Folded words that belong to the part of a name after them."""
# Folded words that stand before a name, and after one, without being part of it.
_TITLES = """
    dr prof professor doctor mr mrs ms miss mx sir dame lord lady herr frau monsieur madame senor senora don dona rev father
    pastor rabbi imam sheikh judge president captain
"""
_SUFFIXES = frozenset(["jr", "sr", "junior", "senior", "ii", "iii", "iv", "phd", "md", "esq"])
_TOKEN = re.compile(r"[^\s,]+")


@dataclass(frozen=True, slots=True)
class _Part:
    particles: tuple[str, ...]
    words: tuple[str, ...]

    @property
    def full(self) -> tuple[str, ...]:
        return self.particles + self.words


def specificity(words: Sequence[str]) -> float:
    """Return how surprising `words`, folded, are in a row: -log10 of their probability, as if they were independent.

    An initial counts at most 1.2, and nothing where the letter often stands alone ("a", the "s" of a possessive). Particles count
    nothing.
    """
    total = 0.0
    for word in words:
        if len(word) > 1:
            total += 0.0 if word in PARTICLES else 9 - zipf(word)
        elif word not in _LONE_LETTERS:
            total += _INITIAL
    return total


def is_specific(words: Sequence[str], initials: int = 0) -> bool:
    """Return whether `words`, folded, mean one person rather than anybody, text that happens to read so, or a common surname.

    `initials`: how many initials the words hold, as words or run together in one. A word with a single initial must also be a
    long one, since a surname with an initial fits whole families.
    """
    whole = [word for word in words if len(word) > 1 and word not in PARTICLES]
    if not initials:
        return len(whole) > 1 and specificity(whole) >= SPECIFIC
    joined = [word for word in whole[:1] + whole[-1:] if len(word) == initials and not any(len(other) == 1 for other in words)][
        :1
    ]
    names = [word for word in whole if word not in joined]
    if not names or (len(names) == 1 and initials == 1 and len(names[0]) < _LONG_SURNAME):
        return False
    together = sum(min(_INITIAL * len(word), 9 - zipf(word)) for word in joined)
    letters = [word for word in words if len(word) == 1]
    return together + specificity([*letters, *names]) >= SPECIFIC_WITH_INITIALS


@lru_cache(maxsize=262_144)
def variants(name: str) -> tuple[str, ...]:
    """Return the other folded forms of `name` that still mean its bearer, without its own, in a fixed order.

    A name that does not look like a person's (one word, more than six parts, stop words in it) keeps its order. Cached, since a
    policy that changes a little has mostly the same names.
    """
    own = " ".join(fold(name).split())
    parts = _parts(name)
    core = _join(parts)
    forms: list[tuple[str, ...]] = []
    if len(parts) > 1:
        forms += [core, *_closed(parts)]
    if 2 <= len(parts) <= _MOST_PARTS and not any(
        COMMON_WORDS.issuperset(part.words) for part in parts if len(part.words[0]) > 1
    ):
        forms += [form for form in _orders(parts) if is_specific(form)]
        if _SUFFIXES.isdisjoint(core):
            forms += [form for form, initials in _initialled(parts) if is_specific(form, initials)]
    forms += [(*form[:-1], form[-1] + "s") for form in (tuple(own.split()), core) if _takes_genitive(form)]
    # Folded again, since a letter of a script without spaces that was closed up is a word of its own.
    texts = dict.fromkeys(" ".join(fold(" ".join(form)).split()) for form in forms)
    return tuple(text for text in texts if text not in ("", own))


def _takes_genitive(words: Sequence[str]) -> bool:
    if not words or len(words[-1]) < 3 or words[-1][-1] in "sxz":
        return False
    # One common word with an "s" is a plural: a bearer called Rose is not roses.
    return len(words) > 1 or (len(words[0]) > 4 and zipf(words[0]) < 3)


def _parts(name: str) -> list[_Part]:
    """Return the parts of `name` in the order given name first, without titles and suffixes, particles with what they lead."""
    before, comma, after = name.partition(",")
    if comma and (lead := fold(after).split()) and lead[0] not in _SUFFIXES:
        name = f"{after} {before}"
    titles = frozenset(_TITLES.split())
    tokens = [words for token in _TOKEN.findall(name) if (words := tuple(fold(token).split()))]
    while len(tokens) > 1 and len(tokens[0]) == 1 and tokens[0][0] in titles:
        tokens.pop(0)
    while len(tokens) > 2 and "".join(tokens[-1]) in _SUFFIXES and is_specific([w for words in tokens[:-1] for w in words]):
        tokens.pop()
    parts: list[_Part] = []
    waiting: tuple[str, ...] = ()
    for number, words in enumerate(tokens):
        lead_count = 0
        while lead_count < len(words) and words[lead_count] in PARTICLES:
            lead_count += 1
        if lead_count == len(words) and number + 1 < len(tokens):
            waiting += words
        else:
            lead_count = min(lead_count, len(words) - 1)
            parts.append(_Part(waiting + words[:lead_count], words[lead_count:]))
            waiting = ()
    return parts


def _join(parts: Iterable[_Part]) -> tuple[str, ...]:
    return tuple(word for part in parts for word in part.full)


def _rotations(parts: Sequence[_Part]) -> Iterator[tuple[str, ...]]:
    """Yield the surname first, and last where it was first."""
    if len(parts) > 1:
        yield _join([parts[-1], *parts[:-1]])
        yield _join([*parts[1:], parts[0]])


def _closed(parts: Sequence[_Part]) -> Iterator[tuple[str, ...]]:
    """Yield the name with hyphens and apostrophes closed up, in its own order and the others."""
    closed = [_Part((), ("".join(part.full),)) if len(part.words) > 1 else part for part in parts]
    if closed != list(parts):
        yield _join(closed)
        yield from (form for form in _rotations(closed) if is_specific(form))


def _orders(parts: Sequence[_Part]) -> Iterator[tuple[str, ...]]:
    """Yield the whole words in other orders, and without particles or names in the middle."""
    yield from _rotations(parts)
    if any(part.particles for part in parts):
        yield tuple(word for part in parts for word in part.words)
    if len(parts) > 2:
        yield _join([parts[0], parts[-1]])
        yield _join([parts[-1], parts[0]])
        # A second surname left out, or a first name for two: another person's whole name, unless both are rare.
        if all(zipf(word) < _RARE for part in parts[:2] for word in part.words):
            yield _join(parts[:2])


def _initialled(parts: Sequence[_Part]) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield forms with initials, and how many they hold."""
    if len(parts) > 2:
        middle = _initials(parts[1:-1])
        yield parts[0].full + middle + parts[-1].full, len(middle)
        yield _initials(parts[:1]) + _join(parts[1:]), len(_initials(parts[:1]))
    # Whether the surname comes first or last cannot be told from the name.
    for surname, given in ((parts[-1].full, parts[:-1]), (parts[0].full, parts[1:])):
        letters = _initials(given)
        yield letters + surname, len(letters)
        yield surname + letters, len(letters)
        if len(letters) > 1:
            yield letters[:1] + surname, 1
            if len(parts) == 2 or given == parts[:-1]:
                yield ("".join(letters), *surname), len(letters)
                yield (*surname, "".join(letters)), len(letters)


def _initials(parts: Sequence[_Part]) -> tuple[str, ...]:
    return tuple(word[0] for part in parts for word in part.words)
