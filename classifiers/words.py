"""How common a word is, and which words everybody knows."""

from __future__ import annotations

import math
from functools import lru_cache

# Languages of Latin script whose word frequencies say how common a part of a name is.
_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl")

# Zipf value, log10 of occurrences in 10^9 words, of a word on none of the lists, which reach down to 3.
_RAREST = 2.5


@lru_cache(maxsize=1)
def _frequencies() -> dict[str, float]:
    """Return the Zipf value of each word, the highest over the languages. Loaded when first needed: about 0.2 s."""
    from wordfreq import get_frequency_dict

    highest: dict[str, float] = {}
    for language in _LANGUAGES:
        for word, frequency in get_frequency_dict(language, wordlist="small").items():
            if frequency > highest.get(word, 0.0):
                highest[word] = frequency
    return {word: math.log10(frequency) + 9 for word, frequency in highest.items()}


def zipf(word: str) -> float:
    """Return how common a folded word is: log10 of its occurrences in 10^9 words, in the language that uses it most.

    The frequencies are wordfreq's (Speer 2022, doi 10.5281/zenodo.7199437); a word below 3 counts as 2.5.
    """
    return _frequencies().get(word, _RAREST)


@lru_cache(maxsize=1)
def common_words() -> frozenset[str]:
    """Return the words of several languages that are frequent (Zipf 4.2 and more), of two letters and more."""
    return frozenset(word for word, value in _frequencies().items() if value >= 4.2 and len(word) > 1)
