"""Persons: whether a text speaks of a bare surname or given name as of a person ("What did Einstein say?", "Tesla's wife").

Companies, places, units and songs bear surnames too, so the word alone does not tell. What persons do, have and are called does.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from classifiers.naming.written import Written
from guard.forms.names import TITLES
from guard.frequency import english_words
from guard.stopwords import COMMON_WORDS


class Role(IntEnum):
    """How sure it is that a text speaks of a person: the higher, the surer.

    `NONE`: nothing says so. `DOES`: the word is what does something, as companies do, too ("Does X own …?"). `DID`: in the past,
    as companies rarely do in prompts ("What did X see?"). `IS`: a title, a pronoun, or something that only persons do or have.
    """

    NONE = 0
    DOES = 1
    DID = 2
    IS = 3


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FIRMS: Final = _words(
    """
    abbott armani audi bayer bell benz boeing bosch bugatti bulgari burberry cadbury cartier chanel chrysler citroen dell dior
    disney dyson ferrari ford gallup givenchy gucci guinness harley heineken heinz hermes hilton honda hugo hyatt kellogg
    kodak lamborghini lidl lindt lipton macy marriott mars marshall maserati mattel mcdonald mercedes michelin morgan nestle
    nobel otis peugeot pfizer philips porsche prada pulitzer renault reuter rolex rothschild schwab sears shimano siemens
    singer sotheby steinway suzuki tesla toyota versace vuitton walgreen wendy westinghouse yamaha zeiss
    """
)
"""Surnames that are firms, too, as those that have them: they do much of what persons do."""

_TITLES = TITLES | _words(
    "president minister premier chancellor senator governor justice general colonel detective inspector comrade"
)
# Those of one person: "How do Einstein bagels taste?" speaks of many things.
_PAST = _words("did had was would")
_PRESENT = _words("does has will could can might should must")
# What is done to a firm, a house or a film. After "was" it says nothing of a person.
_MADE = _words("founded made built sold produced released located based established launched opened set called named")
_ADVERBS = _words("ever never really also even just still always often first actually once only not")
# "We had brill for supper" says nothing of a person called Brill.
_NO_VERBS = _words("a an the and or but for in on at to of with by from as than that who which when where while because if")
_PERSON_VERBS = _words(
    """
    say said says think thought thinks believe believed write wrote writes born die died dies live lived lives marry married meet
    met feel felt love loved hate hated speak spoke study studied resign resigned assassinated arrested married divorced dismissed
    buried educated elected jailed imprisoned executed murdered
    dijo nacio murio escribio pensaba vivio vivia sagte sagt dachte starb schrieb lebte heiratete geboren gestorben
    disait pensait ecrivit mourut vecut epousa mort
    """
)
_PRONOUNS = _words("he him himself she her herself his hers")
_HAD = _words(
    """
    wife husband mother father son daughter brother sister siblings parents children family childhood youth death grave tomb
    birthday birthplace marriage divorce affair diary diaries memoir memoirs autobiography biography widow widower lover
    girlfriend boyfriend nickname speech speeches letters thesis life career presidency cabinet funeral voice handbag
    """
)
_WHO = _words("who wer quien qui")
_IS = _words("is was are were be ist war es fue era est etait")
# Before a thing that is called so ("a Tesla"), and before what somebody owns ("his Tesla").
_DETERMINERS = _words(
    """
    a an the this that these those one my your his her its our their some any each every no
    der die das den dem ein eine einen einem einer mein dein sein ihr unser le la les un une mon ton son sa ma ta ses
    el los las una unos unas mi tu su
    """
)
# How many words after "'s" may come before what the person has ("Nixon's first cabinet").
_NEAR = 3


_NAMED_AFTER = _words(
    """
    machine machines test tests complete completeness pattern patterns award awards prize medal effect number numbers equation
    equations theorem lemma law laws constant conjecture hypothesis paradox principle cell cells disease syndrome street avenue
    square foundation institute university college scholarship fellowship airport station bridge dam telescope scale engine
    generation transform distribution radiation particle boson condensate island islands plan act doctrine strait crater coil
    maschine maschinen preis effekt zahl gleichung satz gesetz konstante strasse platz stiftung institut universitat schule
    maquina prueba premio efecto ley teorema calle fundacion prix loi effet theoreme rue fondation
    """
)
_OF = _words("de du von des del")


def names_a_thing(text: Written, place: range) -> bool:
    """Return whether the words are a part of the name of a thing that is called after a person ("a Turing machine")."""
    after = text.words[place.stop] if text.beside(place.stop) or text.gap(place.stop) == "-" else ""
    if after in _NAMED_AFTER:
        return True
    of = text.beside(place.start) and text.words[place.start - 1] in _OF and text.beside(place.start - 1)
    return of and text.words[place.start - 2] in _NAMED_AFTER


def role_of(text: Written, place: range) -> Role:
    """Return how a text speaks of the words in a place, which are a part of a person's name.

    In a text without any capital, a word before them that is no ordinary word may be somebody else's given name ("cynthia
    nixon").
    """
    before = text.words[place.start - 1] if text.beside(place.start) else ""
    next_ = place.stop
    while text.beside(next_) and text.words[next_] in _ADVERBS:
        next_ += 1
    after = text.words[next_] if text.beside(next_) else ""
    if before in _TITLES:
        return Role.IS
    if before in _DETERMINERS or before.isdigit() or _joined(text, place):
        return Role.NONE
    if text.small and before and before not in english_words() and before not in COMMON_WORDS:
        return Role.NONE
    if before in _PERSON_VERBS or after in _PERSON_VERBS or _is_asked_for(text, place) or _has(text, place):
        return Role.IS
    if not _PRONOUNS.isdisjoint(text.words[place.stop :]):
        return Role.IS
    if after and after not in _NO_VERBS and not text.capital(next_) and not (before in _IS and after in _MADE):
        return Role.DID if before in _PAST else Role.DOES if before in _PRESENT else Role.NONE
    return Role.NONE


def _joined(text: Written, place: range) -> bool:
    """Return whether a hyphen joins the words to another one ("Bose-Einstein")."""
    return text.gap(place.start) == "-" or text.gap(place.stop) == "-"


def _is_asked_for(text: Written, place: range) -> bool:
    """Return whether the text asks who the words are."""
    if not text.beside(place.start) or not text.beside(place.start - 1):
        return False
    return text.words[place.start - 1] in _IS and text.words[place.start - 2] in _WHO


def _has(text: Written, place: range) -> bool:
    """Return whether the words have something that only persons have."""
    end = place.stop
    owns = end < len(text.words) and text.words[end] == "s" and text.gap(end) in ("'", "\u2019")
    return owns and not _HAD.isdisjoint(text.words[end + 1 : end + 1 + _NEAR])
