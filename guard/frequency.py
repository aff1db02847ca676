"""How common a word is in several languages, which words are frequent, and which are ordinary."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files

from guard.folding import fold

# Languages in Latin script whose word frequencies say how common a part of a name is.
_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl")
# More languages, in which a name's letters may be a word.
_MORE = ("pl", "cs", "ru", "fi", "hu", "tr", "sv", "nb")

# The Zipf value (log10 of the occurrences in 10^9 words) of a word that is on no list; the rarest listed words have 3.
_RAREST = 2.5
# From which Zipf value on a word is ordinary. English has a longer list, and its rare words ("artichokes") occur in most answers.
_ORDINARY_ENGLISH = 2.3
_ORDINARY = 3.2


@lru_cache(maxsize=1)
def _frequencies() -> dict[str, float]:
    """Return the highest Zipf value of each word in any of the languages. The first call loads the lists: about 0.2 s."""
    from wordfreq import get_frequency_dict

    highest: dict[str, float] = {}
    for language in _LANGUAGES:
        for word, frequency in get_frequency_dict(language, wordlist="small").items():
            if frequency > highest.get(word, 0.0):
                highest[word] = frequency
    return {word: math.log10(frequency) + 9 for word, frequency in highest.items()}


def zipf(word: str) -> float:
    """Return how common a folded word is: log10 of its occurrences in 10^9 words of the language that uses it most.

    The frequencies are those of wordfreq (Speer 2022, doi 10.5281/zenodo.7199437). A word that is rarer than 3 has 2.5.
    """
    return _frequencies().get(word, _RAREST)


@lru_cache(maxsize=1)
def common_words() -> frozenset[str]:
    """Return the frequent words of several languages: Zipf 4.2 or more, two letters or more."""
    return frozenset(word for word, value in _frequencies().items() if value >= 4.2 and len(word) > 1)


@lru_cache(maxsize=1)
def _lists() -> tuple[dict[str, float], dict[str, float]]:
    """Return the Zipf values of ordinary words, folded and closed up: the highest of any language, and the English ones.

    The first call takes about 0.8 s and 45 MB.
    """
    from wordfreq import DATA_PATH, read_cBpack

    highest: dict[str, float] = {}
    english: dict[str, float] = {}
    for language in _LANGUAGES + _MORE:
        size, least = ("large", _ORDINARY_ENGLISH) if language == "en" else ("small", _ORDINARY)
        # The file groups the words by hundredths of a Zipf value below 9, the most frequent first.
        groups = read_cBpack(str(DATA_PATH.joinpath(f"{size}_{language}.msgpack.gz")))
        for index, words in enumerate(groups[: round((9 - least) * 100) + 1]):
            for word in words:
                folded = word if word.isascii() and word.isalpha() else "".join(fold(word).replace(".", " ").split())
                highest[folded] = max(9 - index / 100, highest.get(folded, 0.0))
        if language == "en":
            english = highest.copy()
    highest.pop("", None)  # a word of punctuation
    return highest, english


def ordinary(word: str) -> bool:
    """Return whether folded letters are an ordinary word or a well-known name or place in one of fifteen languages.

    That is a word with a Zipf value of 2.3 or more in English, or 3.2 or more in another language. It is for words that come
    about by chance, when a name is closed up ("Mary Land") or takes an ending.
    """
    return word in _lists()[0]


@lru_cache(maxsize=1)
def _sorted() -> list[str]:
    return sorted(_lists()[0])


def ordinary_from(stem: str) -> Iterator[str]:
    """Yield the ordinary words that begin with folded letters, those themselves included."""
    words = _sorted()
    for index in range(bisect_left(words, stem), len(words)):
        if not words[index].startswith(stem):
            return
        yield words[index]


def commonness(word: str) -> float:
    """Return the Zipf value of a folded word in the one of fifteen languages that uses it most, or 0 if it is not `ordinary`.

    Unlike `zipf` it knows words with accents by their folded letters, Slavic, Finnish, Hungarian, Turkish and Scandinavian
    words, and rare English ones.
    """
    return _lists()[0].get(word, 0.0)


def english(word: str) -> float:
    """Return the Zipf value of a folded word in English, or 0 if it is below 2.3."""
    return _lists()[1].get(word, 0.0)


@lru_cache(maxsize=1)
def english_words() -> frozenset[str]:
    """Return the English words that prose writes in lower case: 33,000, of Zipf 2.5 or more, three letters or more.

    The list was made from wordfreq's words whose stem the Hunspell dictionary en_US writes in lower case. Words that are mostly
    given names ("harry", "carol") were left out.
    """
    return frozenset((files("guard") / "data" / "english_words.txt").read_text("ascii").split())
