"""Names: the variants in which a name is written, and whether a variant still means one person.

Variants have the parts in another order ("Yun-Hwa Hsiao", "Hsiao, Yun-Hwa"), initials ("Y.-H. Hsiao", "JK Rowling", "Joanne K.
Rowling"), no middle names, titles or particles, no hyphens and apostrophes ("Yunhwa", "OBrien"), or the German genitive
("Hsiaos"). Folding already takes care of case, accents, punctuation, possessives after an apostrophe, and scripts without spaces
directly after a name.

These are not variants: a surname or a given name alone (the operator can list it), nicknames (Bill for William), a name that
replaces another one (marriage, pen names), given names spelled out where the target has initials, and an additional middle name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from classifiers.words import zipf
from guard.folding import fold
from guard.stopwords import COMMON_WORDS

# The specificity of a single letter: about log10 of the number of letters it could be, a little less as some are frequent.
_INITIAL = 1.2
# Letters that are words of their own in ordinary folded text: articles, pronouns, Spanish and French words, and the parts of
# "it's", "don't", "she'd", "I'm", "l'eau", "d'or".
_LONE_LETTERS = frozenset("aiesotydlm")
SPECIFIC = 9.5
"""The least `specificity` of a variant of whole words. A table in the tests shows on which side of it names are."""
SPECIFIC_WITH_INITIALS = 7.5
"""The least `specificity` of a variant with initials, which rarely occur by chance."""
# The Zipf value below which a word is not a common given name.
_RARE = 3.8
# The fewest letters of a surname that is specific with a single initial.
_LONG_SURNAME = 9
_MOST_PARTS = 6

_PARTICLES = """
    von van vom zu zum zur af av de del della dei di da do dos das du des la le les lo el al ar as ash ad an ul bin ibn ben bint
    abu abd ter ten den der st san y e
"""
PARTICLES = frozenset(_PARTICLES.split())
"""Folded words that belong to the part of the name that follows them."""
# Folded words before a name and after a name that are not part of it.
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
    """Return how specific a sequence of folded words is: -log10 of its probability, as if the words were independent.

    An initial counts 1.2, or 0 if the letter is often a word of its own ("a", the "s" of a possessive). Particles count 0.
    """
    total = 0.0
    for word in words:
        if len(word) > 1:
            total += 0.0 if word in PARTICLES else 9 - zipf(word)
        elif word not in _LONE_LETTERS:
            total += _INITIAL
    return total


def is_specific(words: Sequence[str], initials: int = 0) -> bool:
    """Return whether folded words mean one person, and are not a common surname or ordinary text.

    Args:
        words: Folded words.
        initials: The number of initials among the words, as words of one letter or together as one word. A single word with a
            single initial must be long, because a surname with an initial fits whole families.
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
    """Return the folded variants of `name` that still mean the same person, in a fixed order, without the folded name itself.

    The parts of a name that does not look like that of a person (one word, more than six parts, stop words) keep their order. The
    result is cached, because most names stay the same when a policy changes.
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
    # Folded again, because in scripts without spaces each letter becomes a word of its own.
    texts = dict.fromkeys(" ".join(fold(" ".join(form)).split()) for form in forms)
    return tuple(text for text in texts if text not in ("", own))


def _takes_genitive(words: Sequence[str]) -> bool:
    if not words or len(words[-1]) < 3 or words[-1][-1] in "sxz":
        return False
    # A common word with an "s" is a plural: "roses" does not mean a person called Rose.
    return len(words) > 1 or (len(words[0]) > 4 and zipf(words[0]) < 3)


def _parts(name: str) -> list[_Part]:
    """Return the parts of `name`, given name first, without titles and suffixes; particles belong to the part after them."""
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
    """Yield the name with its last part first, and with its first part last."""
    if len(parts) > 1:
        yield _join([parts[-1], *parts[:-1]])
        yield _join([*parts[1:], parts[0]])


def _closed(parts: Sequence[_Part]) -> Iterator[tuple[str, ...]]:
    """Yield the name without hyphens and apostrophes, in its own order and in others."""
    closed = [_Part((), ("".join(part.full),)) if len(part.words) > 1 else part for part in parts]
    if closed != list(parts):
        yield _join(closed)
        yield from (form for form in _rotations(closed) if is_specific(form))


def _orders(parts: Sequence[_Part]) -> Iterator[tuple[str, ...]]:
    """Yield the whole words in other orders, and without particles or middle names."""
    yield from _rotations(parts)
    if any(part.particles for part in parts):
        yield tuple(word for part in parts for word in part.words)
    if len(parts) > 2:
        yield _join([parts[0], parts[-1]])
        yield _join([parts[-1], parts[0]])
        # Without a second surname, the first two parts may be the whole name of another person, unless both are rare.
        if all(zipf(word) < _RARE for part in parts[:2] for word in part.words):
            yield _join(parts[:2])


def _initialled(parts: Sequence[_Part]) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield forms with initials, each with the number of its initials."""
    if len(parts) > 2:
        middle = _initials(parts[1:-1])
        yield parts[0].full + middle + parts[-1].full, len(middle)
        yield _initials(parts[:1]) + _join(parts[1:]), len(_initials(parts[:1]))
    # The name does not show whether the surname is first or last.
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
