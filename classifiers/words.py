"""How common a word is in several languages, and which words are frequent."""

from __future__ import annotations

import math
from functools import lru_cache

# Languages in Latin script whose word frequencies say how common a part of a name is.
_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl")

# The Zipf value (log10 of the occurrences in 10^9 words) of a word that is on no list; the rarest listed words have 3.
_RAREST = 2.5


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
