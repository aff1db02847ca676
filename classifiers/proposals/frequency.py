"""How common words and phrases are: in a language at large, and in the operator's own innocent texts."""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from guard.folding import fold

LONGEST = 4
"""Words of the longest n-gram that is counted; a longer phrase is counted by its parts."""

# The script of a letter is the first word of its name in the Unicode Character Database; these are the languages whose word
# list (wordfreq 3) is asked for it. Latin is asked in the language that the caller names.
_LANGUAGES = {
    "ARABIC": "ar",
    "BENGALI": "bn",
    "CJK": "zh",
    "CYRILLIC": "ru",
    "DEVANAGARI": "hi",
    "GREEK": "el",
    "HANGUL": "ko",
    "HEBREW": "he",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "TAMIL": "ta",
}


@lru_cache(maxsize=1 << 17)
def zipf(word: str, language: str = "en") -> float:
    """Return how common a word is in a language: the logarithm to base 10 of its occurrences in a billion words; 0.0 where
    the list does not have it.

    The word lists are those of Robyn Speer's wordfreq (doi:10.5281/zenodo.7199437), in which "the" has 7.7 and "florist" 3.0.
    `language` counts for Latin script; other scripts ask the list of their most written language. A word is looked up as it
    is written and folded, since the lists keep accents. The lists themselves are read, not wordfreq's own look-up, which
    needs a word segmenter for Chinese and Japanese.

    Raises LookupError for a language without a list.
    """
    written = unicodedata.normalize("NFC", word).lower()
    known = _word_list(_language(written, language))
    frequency = max(known.get(written, 0.0), known.get(fold(word).replace(" ", ""), 0.0))
    return max(0.0, math.log10(frequency) + 9) if frequency else 0.0


def joint_zipf(words: Iterable[str], language: str = "en") -> float:
    """Return the same for words in a row, as if each were chosen by itself; below zero where they never met in a billion.

    Words that belong together ("Los Angeles") occur more often than this says.
    """
    return sum(zipf(word, language) - 9 for word in words) + 9


@lru_cache
def _word_list(language: str) -> dict[str, float]:
    from wordfreq import available_languages, get_frequency_dict

    # wordfreq itself would take the nearest language it has, English in the end.
    if language not in available_languages():
        raise LookupError(f"no word list for the language {language!r}")
    return get_frequency_dict(language)


def _language(word: str, latin: str) -> str:
    if word.isascii():
        return latin
    for character in word:
        if character.isalpha():
            return _LANGUAGES.get(unicodedata.name(character, "").partition(" ")[0], latin)
    return latin


class BackgroundFrequency:
    """How many of a set of texts contain a phrase, between word boundaries of the folded texts.

    Every n-gram of up to four folded words is kept as one 64-bit hash with the number of texts that have it: 12 bytes a
    different n-gram, whatever the texts' length. Equal hashes of different n-grams would only make a phrase look more common.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        """Count once; the time is linear in the texts, but for sorting their n-grams."""
        self.texts = len(texts)
        hashed = [_ngram_hashes(fold(text).split()) for text in texts]
        every = np.concatenate([np.empty(0, np.uint64), *hashed])
        self._hashes, counts = np.unique(every, return_counts=True)
        self._counts = counts.astype(np.int32)

    def count(self, words: Sequence[str]) -> int:
        """Return how many texts hold these folded words in a row: exact up to four, and at most that many for more.

        Of more than four words it is the smallest count among their runs of four. No words are in no text.
        """
        if not words or not len(self._hashes):
            return 0
        width = min(len(words), LONGEST)
        return min(self._count_of(tuple(words[at : at + width])) for at in range(len(words) - width + 1))

    def share(self, words: Sequence[str]) -> float:
        """Return the same as a share of the texts, 0.0 if there are none."""
        return self.count(words) / self.texts if self.texts else 0.0

    def _count_of(self, ngram: tuple[str, ...]) -> int:
        value = 0
        for word in ngram:
            value = (value * _FACTOR + _word_hash(word)) & _MASK
        at = int(self._hashes.searchsorted(np.uint64(value)))
        return int(self._counts[at]) if at < len(self._hashes) and int(self._hashes[at]) == value else 0


_MASK = (1 << 64) - 1
_LONGEST_KEPT = 64  # characters of a word whose hash is remembered
# An odd number whose bits look random (the golden ratio's, as in Knuth, The Art of Computer Programming 3, section 6.4).
_FACTOR = 0x9E3779B97F4A7C15


def _word_hash(word: str) -> int:
    return _short_word_hash(word) if len(word) <= _LONGEST_KEPT else _short_word_hash.__wrapped__(word)


@lru_cache(maxsize=1 << 17)
def _short_word_hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _ngram_hashes(words: Sequence[str]) -> NDArray[np.uint64]:
    """Return the different hashes of the n-grams of one text: the polynomial of the words' hashes, modulo 2**64."""
    single = np.array([_word_hash(word) for word in words], np.uint64)
    grown, found = single, [single]
    factor = np.uint64(_FACTOR)
    for width in range(2, min(LONGEST, len(words)) + 1):
        grown = grown[:-1] * factor + single[width - 1 :]
        found.append(grown)
    return np.unique(np.concatenate(found))
