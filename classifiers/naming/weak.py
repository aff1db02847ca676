"""Weak names: names that are also ordinary words, and which of their occurrences may mean something else.

"Dune", "Frozen" and "Breaking Bad" occur in prose that means no work. Frequency does not tell such names from others: "Einstein"
and "Minecraft" are as frequent as "dune". What tells them is whether English prose writes the word in small letters
(`guard.frequency.english_words`). There is no such list of other languages, so a word counts that is frequent in one of them and
much rarer in English ("origen"); proper names are about as frequent everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator, Sequence
from functools import lru_cache

from classifiers.naming.written import Written
from classifiers.reading.kinds import KINDS, kinds_of
from guard.frequency import commonness, english, english_words, zipf
from guard.stopwords import COMMON_WORDS

# The specificity (-log10 of the probability, as if words were independent) from which on ordinary words in a row are no chance.
_NO_CHANCE = 12.0
# The same for several words in a text without any capital, where small letters say nothing against a name.
_LITTLE_CHANCE = 8.5
# A word of another language: how frequent it is there, and how much rarer it is in English.
_FREQUENT = 4.3
_RARER = 1.2


@lru_cache(maxsize=262_144)
def is_weak(folded: str) -> bool:
    """Return whether all words of a folded name are ordinary and few enough to be together by chance."""
    words = folded.split()
    return all(_is_ordinary(word) for word in words) and _specificity(words) < _NO_CHANCE


def _specificity(words: Sequence[str]) -> float:
    return sum(9 - zipf(word) for word in words if word not in COMMON_WORDS)


def _is_ordinary(word: str) -> bool:
    if word in english_words() or word in COMMON_WORDS or word.isdigit():
        return True
    common = commonness(word)
    return common >= _FREQUENT and common - english(word) >= _RARER


def is_title(name: str) -> bool:
    """Return whether the operator writes every telling word of a name with a capital, as in a title or a person's name.

    The name of know-how ("SIM swapping") is no title: a text may write it as it likes.
    """
    words = [word for word in name.split() if word.casefold() not in COMMON_WORDS] or name.split()
    return not any(word[0].islower() for word in words)


def is_name(
    text: Written, first: int, end: int, weak: bool, own: Callable[[], Container[str]], in_capitals: bool = False
) -> bool:
    """Return whether an occurrence of a name is one without a doubt.

    A weak name is in doubt if the text writes a word of it small, or not in capitals though it is an abbreviation ("WHO"), if its
    only word begins a sentence, or if capitals say nothing in this text, unless its line says next to nothing else. In a text
    without any capital, several words that are hardly together by chance are a name. A weak name and a single word are in doubt
    if they are part of a longer name. In quotation marks a name with a capital is never in doubt.

    Args:
        text: The text.
        first: The number of the occurrence's first word.
        end: The number of the word after its last one.
        weak: Whether the name is weak and a title.
        own: Returns the folded words in the texts of the target.
        in_capitals: Whether the name is written in capitals only.
    """
    if text.quoted(first, end):
        return True
    if weak and not _written_as_name(text, range(first, end), in_capitals):
        words = text.words[first:end]
        if text.small and sum(word not in COMMON_WORDS for word in words) > 1 and _specificity(words) >= _LITTLE_CHANCE:
            return True
        # "Who is the mad hatter?" is about nothing else. "Is it frozen?" may be, where the text writes names with capitals.
        against = end - first == 1 and text.says_names and not text.capital(first)
        return not against and text.alone(first, end)
    longer = (weak or end - first == 1) and text.says_names
    return not (longer and text.in_longer_name(first, end, own(), weak))


def _written_as_name(text: Written, place: Sequence[int], in_capitals: bool) -> bool:
    words = [n for n in place if text.words[n] not in COMMON_WORDS and not text.words[n].isdigit()] or list(place)
    if not text.says_names:
        # "The Ugly Duchess and Hatta?": several capitals in a row are a name unless everything is in capitals.
        return len(words) > 1 and all(text.capital(n) and not text.upper(n) for n in words)
    telling = [number for number in words if not text.begins(number)]
    written = text.upper if in_capitals else text.capital
    return bool(telling) and all(map(written, telling))


# Between the word that says what a thing is and its name: "a novel called The Wall", "the town of Orange".
_CALLED = frozenset(["the", "a", "an", "is", "was", "called", "named", "titled", "entitled", "of", "as", "s"])
_MOST_CALLED = 3
# The most words after ", the" in which such a word may be: "Orange, the old Roman town".
_APPOSED = 4
# What these words say of a name directly before them, it is: "the Amazon river". Others may belong to it: "Amazon series".
_BEHIND = KINDS["nature"] | KINDS["place"]
# What a name may be called. The other words of a kind go with it only: "the author of Jaws".
_THING_WORDS = """
    film movie series show sitcom novel book story poem song album track hit band painting picture portrait game console app
    website firm company franchise magazine reader charity organisation organization agency team buch roman serie kino lied bild
    spiel firma unternehmen pelicula temporada livre libro novela chanson cancion disco tableau cuadro jeu juego empresa
"""
_THINGS = _BEHIND | frozenset(_THING_WORDS.split())


def is_called_otherwise(text: Written, place: range, own: Container[str], kinds: Collection[str]) -> bool:
    """Return whether the text says what kind of thing a name means, and it is none of the target's ("the novel The Wall").

    Args:
        text: The text.
        place: The name.
        own: Folded words that occur in texts of the target.
        kinds: The kinds of things that the target's texts speak about (`classifiers.reading.kinds`); if there are none, nothing
            is known.
    """
    said = [word for word in _said_of(text, place) if word in _THINGS and word not in own]
    found = kinds_of(said)
    return bool(kinds) and bool(found) and not any(kind in kinds for kind in found)


def _said_of(text: Written, place: range) -> Iterator[str]:
    before = place.start
    while text.beside(before) and text.words[before - 1] in _CALLED and place.start - before < _MOST_CALLED:
        before -= 1
    if text.beside(before):
        yield text.words[before - 1]
    if text.beside(place.stop) and text.words[place.stop] in _BEHIND:
        yield text.words[place.stop]
    if text.gap(place.stop).strip() == "," and text.words[place.stop : place.stop + 1] in (["the"], ["a"], ["an"]):
        end = place.stop + 1
        while text.beside(end) and end - place.stop <= _APPOSED:
            yield text.words[end]
            end += 1
