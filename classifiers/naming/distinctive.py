"""Distinctive words: those words of a name that mean the target by themselves ("Hermione", "Hogwarts").

The cut is by frequency, as in `guard.forms.distinctive`: there is no list of everybody's name. A given or family name that many
people have is never distinctive.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal

from guard.forms.distinctive import COMMON_SURNAMES, GIVEN_NAMES
from guard.forms.endings import script
from guard.forms.judgement import looks_like_name
from guard.forms.names import PARTICLES, SUFFIXES, TITLES, split_name
from guard.frequency import commonness, english, english_words
from guard.stopwords import COMMON_WORDS

Strength = Literal["certain", "uncertain", "capital"]
STRENGTHS: Final = ("certain", "uncertain", "capital")
"""How sure a word is: "capital" is "uncertain", and only where the text writes it with a capital. The surest first."""

# The Zipf value below which a word is certain evidence: Hogwarts and Hermione have 3.4, Zelda 3.6.
_RARE = 3.5
# The same for uncertain evidence: Einstein has 4.2, Lennon 4.2, Albert 4.5.
_KNOWN = 4.3
# The same, in English, for a surname that is also an English word: Curie has 2.9, Munch 3.1, Potter 4.1.
_RARE_WORD = 3.2
_SHORTEST = 4
_NEVER = PARTICLES | TITLES | SUFFIXES | COMMON_WORDS | GIVEN_NAMES | COMMON_SURNAMES


@lru_cache(maxsize=262_144)
def distinctive(name: str) -> tuple[tuple[str, Strength], ...]:
    """Return the distinctive words of a name or phrase of several words, folded, each with how sure it is.

    The words that a hyphen joins stay together ("gi hun") and are uncertain.
    """
    parts = split_name(name)
    if len(parts) < 2:
        return ()
    person = looks_like_name(name)
    found: dict[str, Strength] = {}
    for part in parts:
        strength = _strength("".join(part.words), person and part is parts[-1])
        if strength and (len(part.words) == 1 or person):
            found[" ".join(part.words)] = strength if len(part.words) == 1 else "uncertain"
    return tuple(found.items())


def _strength(word: str, surname: bool) -> Strength | None:
    if len(word) < _SHORTEST or not word.isalpha() or word in _NEVER or script(word) not in ("Latin", "Cyrillic"):
        return None
    if word in english_words():
        return "capital" if surname and english(word) < _RARE_WORD else None
    common = commonness(word)
    return "certain" if common < _RARE else "uncertain" if common < _KNOWN else None
