"""Names: their parts, and whether some of their words still mean one person."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from guard.folding import fold
from guard.frequency import zipf

# The specificity of a single letter: about log10 of the number of letters it could be, a little less as some are frequent.
_INITIAL = 1.2
# Letters that are words of their own in ordinary folded text: articles, pronouns, Spanish and French words, and the parts of
# "it's", "don't", "she'd", "I'm", "l'eau", "d'or"; Russian conjunctions, prepositions and "I".
_LONE_LETTERS = frozenset("aiesotydlm" + "аивкосуя")
SPECIFIC = 9.5
"""The least `specificity` of a variant of whole words. A table in the tests shows on which side of it names are."""
SPECIFIC_WITH_INITIALS = 7.5
"""The least `specificity` of a variant with initials, which rarely occur by chance."""
# The fewest letters of a surname that is specific with a single initial.
_LONG_SURNAME = 9

_PARTICLES = """
    von van vom zu zum zur af av de del della dei di da do dos das du des la le les lo el al ar as ash ad an ul bin ibn ben bint
    abu abd ter ten den der st san y e
"""
PARTICLES = frozenset(_PARTICLES.split())
"""Folded words that belong to the part of the name that follows them."""
_TITLE_WORDS = """
    dr prof professor doctor mr mrs ms miss mx sir dame lord lady herr frau monsieur madame senor senora don dona rev father
    pastor rabbi imam sheikh judge president captain
"""
TITLES = frozenset(_TITLE_WORDS.split())
"""Folded words before a name that are not part of it."""
SUFFIXES = frozenset(["jr", "sr", "junior", "senior", "ii", "iii", "iv", "phd", "md", "esq"])
"""Folded words after a name that are not part of it."""
_TOKEN = re.compile(r"[^\s,]+")


@dataclass(frozen=True, slots=True)
class Part:
    """One word of a name as it is written, which may fold to several, with the particles before it."""

    particles: tuple[str, ...]
    words: tuple[str, ...]

    @property
    def full(self) -> tuple[str, ...]:
        """The particles and the words."""
        return self.particles + self.words


def folded_words(text: str) -> tuple[str, ...]:
    """Return the folded words of `text`, without the dots that fold keeps where a sentence may end."""
    return tuple(fold(text).replace(".", " ").split())


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


def split_name(name: str) -> list[Part]:
    """Return the parts of `name`, given name first, without titles and suffixes; particles belong to the part after them."""
    before, comma, after = name.partition(",")
    if comma and (lead := folded_words(after)) and lead[0] not in SUFFIXES:
        name = f"{after} {before}"
    tokens = [words for token in _TOKEN.findall(name) if (words := folded_words(token))]
    while len(tokens) > 1 and len(tokens[0]) == 1 and tokens[0][0] in TITLES:
        tokens.pop(0)
    while len(tokens) > 2 and "".join(tokens[-1]) in SUFFIXES and is_specific([w for words in tokens[:-1] for w in words]):
        tokens.pop()
    parts: list[Part] = []
    waiting: tuple[str, ...] = ()
    for number, words in enumerate(tokens):
        lead_count = 0
        while lead_count < len(words) and words[lead_count] in PARTICLES:
            lead_count += 1
        if lead_count == len(words) and number + 1 < len(tokens):
            waiting += words
        else:
            lead_count = min(lead_count, len(words) - 1)
            parts.append(Part(waiting + words[:lead_count], words[lead_count:]))
            waiting = ()
    return parts
