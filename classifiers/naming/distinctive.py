"""Distinctive words: those words of a name that mean the target by themselves ("Hermione", "Hogwarts").

The cut is by frequency, as in `guard.forms.distinctive`: there is no list of everybody's name. A given or family name that many
people have is never distinctive.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal

from classifiers.naming.names import parts_of
from classifiers.naming.person import FIRMS, Role
from classifiers.naming.titles import LEADING
from guard.forms.distinctive import COMMON_SURNAMES, GIVEN_NAMES
from guard.forms.endings import script
from guard.forms.judgement import looks_like_name
from guard.forms.names import PARTICLES, SUFFIXES, TITLES, folded_words
from guard.frequency import commonness, english, english_words
from guard.stopwords import COMMON_WORDS

Strength = Literal["certain", "bearer", "uncertain", "capital", "part"]
STRENGTHS: Final = ("certain", "bearer", "uncertain", "capital", "part")
"""How sure a word is, the surest first.

"bearer" is "uncertain", and certain where the text speaks of it as of a person (`classifiers.naming.person`); "capital" is a
surname that is also an English word, and counts only where the text writes it with a capital; "part" is a surname that many
people bear ("Brown", "Merkel").
"""

# The Zipf value below which a word is certain evidence: Hogwarts and Hermione have 3.4, Zelda 3.6.
_RARE = 3.5
# The same for uncertain evidence: Einstein has 4.2, Lennon 4.2, Albert 4.5.
_KNOWN = 4.3
# The same for a word that the name itself writes small: ricin has 2.4, consoles 3.7.
_RARE_SMALL = 3.0
# The same, in English, for a surname that is also an English word: Curie has 2.9, Munch 3.1, Potter 4.1.
_RARE_WORD = 3.2
_SHORTEST = 4
_SHORTEST_ACRONYM = 3
_NEVER = PARTICLES | TITLES | SUFFIXES | COMMON_WORDS | GIVEN_NAMES | COMMON_SURNAMES


@lru_cache(maxsize=262_144)
def distinctive(name: str, phrase: bool = False) -> tuple[tuple[str, Strength], ...]:
    """Return the distinctive words of a name or phrase of several words, folded, each with how sure it is.

    A rare word is certain in the title of a work, in the place of the surname of a person, and everywhere in a phrase that is a
    person's name, because a target's phrases name its characters. It is uncertain as a given name ("Katsushika" is also a place),
    in any other phrase, where it is written small, and if a hyphen joins it to another one ("gi hun").

    Args:
        name: The name or the phrase.
        phrase: Whether it is a phrase.
    """
    parts = parts_of(name)
    if len(parts) < 2:
        return ()
    person = looks_like_name(name)
    capitals = {word for token in name.split() if token[:1].isupper() for word in folded_words(token)}
    upper = {word for token in name.split() if token.isupper() for word in folded_words(token)}
    found: dict[str, Strength] = {}
    for part in parts:
        last = part is parts[-1]
        if len(part.words) > 1:
            if person and _strength("".join(part.words), False):
                found[" ".join(part.words)] = "uncertain"
            continue
        [word] = part.words
        strength = _strength(word, person and last, word in upper)
        sure = word in capitals and (person if phrase else last or not person)
        if strength and not sure and strength != "capital":
            rare = commonness(word) < (_RARE if word in capitals else _RARE_SMALL)
            strength = "uncertain" if rare or (not phrase and word in capitals) else None
        if strength == "uncertain" and person and not phrase and (last or (part is parts[0] and commonness(word) < _RARE)):
            strength = "bearer"
        if strength:
            found[word] = strength
        elif person and last and not phrase and _is_part(word):
            found[word] = "part"
    return tuple(found.items())


def needed(word: str, strength: str) -> Role | None:
    """Return from which role on a bare word of a person's name means that person for certain; None if it never does.

    A surname that is also an English word needs more than one that is not ("Bolt", "Swift"), and one that is also a firm more
    still. The commonest surnames mean too many people.
    """
    if strength not in ("bearer", "capital", "part") or word in COMMON_SURNAMES or word in GIVEN_NAMES:
        return None
    return Role.IS if word in FIRMS else Role.DID if word in english_words() else Role.DOES


def loose_evidence(name: str, form: str) -> str:
    """Return the evidence that a form of a name is which others may share: "acronym", "loose", or "initials and surname".

    The latter is the initials of a person before a surname that few others bear ("A. Einstein").
    """
    words = form.split()
    if len(words) == 1:
        return "acronym"
    rare = dict(distinctive(name)).get(words[-1]) == "bearer"
    return "initials and surname" if rare and all(len(word) == 1 for word in words[:-1]) else "loose"


def _is_part(word: str) -> bool:
    """Return whether a surname may mean the person where the text fits; a frequent word may not ("Grameen Bank")."""
    if len(word) < _SHORTEST or not word.isalpha() or word in PARTICLES | TITLES | SUFFIXES | COMMON_WORDS:
        return False
    return word not in english_words() or word in COMMON_SURNAMES or english(word) < _KNOWN


def _strength(word: str, surname: bool, upper: bool = False) -> Strength | None:
    shortest = _SHORTEST_ACRONYM if upper else _SHORTEST
    if len(word) < shortest or not word.isalpha() or word in _NEVER or script(word) not in ("Latin", "Cyrillic"):
        return None
    if word in english_words():
        return "capital" if surname and english(word) < _RARE_WORD else None
    common = commonness(word)
    return "certain" if common < _RARE and len(word) >= _SHORTEST else "uncertain" if common < _KNOWN else None


@lru_cache(maxsize=65_536)
def acronym(name: str) -> str:
    """Return the initials of a title of three words or more after its article ("LOTR"), folded; "" if they are a word."""
    words = folded_words(name)
    words = words[1:] if words[:1] and words[0] in LEADING else words
    letters = "".join(word[0] for word in words)
    if len(words) < _SHORTEST_ACRONYM or looks_like_name(name) or not letters.isascii() or not letters.isalpha():
        return ""
    return "" if letters in english_words() or letters in COMMON_WORDS or commonness(letters) >= _KNOWN else letters
