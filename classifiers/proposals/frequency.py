"""Frequency: how common words and phrases are in a language, and in the operator's innocent texts."""

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
"""The number of words of the longest n-gram that is counted; longer phrases are counted by their parts."""

# By script, the language whose word list (wordfreq 3) is used. The script of a letter is the first word of its name in the
# Unicode Character Database. For Latin script the caller names the language.
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
    """Return how common a word is in a language, on the Zipf scale.

    The word lists are those of wordfreq (Speer, doi:10.5281/zenodo.7199437), in which "the" has 7.7 and "florist" 3.0. The word
    is looked up both as written and folded, because the lists keep accents. This function reads the lists itself, because the
    look-up of wordfreq needs a word segmenter for Chinese and Japanese.

    Args:
        word: One word.
        language: The language of a word in Latin script. For another script, the list of its most written language is used.

    Returns:
        log10 of the occurrences in 10^9 words; 0 if the word is not on the list.

    Raises:
        LookupError: There is no word list for the language.
    """
    written = unicodedata.normalize("NFC", word).lower()
    known = _word_list(_language(written, language))
    frequency = max(known.get(written, 0.0), known.get(fold(word).replace(" ", ""), 0.0))
    return max(0.0, math.log10(frequency) + 9) if frequency else 0.0


def joint_zipf(words: Iterable[str], language: str = "en") -> float:
    """Return the Zipf value of a sequence of words, as if they were independent; it may be below 0.

    Words that belong together ("Los Angeles") occur more often than this value says.
    """
    return sum(zipf(word, language) - 9 for word in words) + 9


@lru_cache
def _word_list(language: str) -> dict[str, float]:
    from wordfreq import available_languages, get_frequency_dict

    # wordfreq would replace an unknown language by the closest one it has, and finally by English.
    if language not in available_languages():
        raise LookupError(f"there is no word list for the language {language!r}: use the code of a language that wordfreq has")
    return get_frequency_dict(language)


def _language(word: str, latin: str) -> str:
    if word.isascii():
        return latin
    for character in word:
        if character.isalpha():
            return _LANGUAGES.get(unicodedata.name(character, "").partition(" ")[0], latin)
    return latin


class BackgroundFrequency:
    """Counts how many of a set of texts contain a phrase, between word boundaries of the folded texts.

    Each n-gram of up to four folded words is stored as a 64-bit hash with the number of texts that contain it: 12 bytes per
    distinct n-gram. If different n-grams have the same hash, a phrase only seems more common.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        """Count the n-grams of `texts`. The time is linear in the texts, except for sorting the n-grams."""
        self.texts = len(texts)
        hashed = [_ngram_hashes(fold(text).split()) for text in texts]
        every = np.concatenate([np.empty(0, np.uint64), *hashed])
        self._hashes, counts = np.unique(every, return_counts=True)
        self._counts = counts.astype(np.int32)

    def count(self, words: Sequence[str]) -> int:
        """Return the number of texts that contain a sequence of folded words; 0 for no words.

        The number is exact for up to four words. For more it is an upper bound: the lowest count of four consecutive words.
        """
        if not words or not len(self._hashes):
            return 0
        width = min(len(words), LONGEST)
        return min(self._count_of(tuple(words[at : at + width])) for at in range(len(words) - width + 1))

    def share(self, words: Sequence[str]) -> float:
        """Return `count` as a share of the texts, 0.0 if there are no texts."""
        return self.count(words) / self.texts if self.texts else 0.0

    def _count_of(self, ngram: tuple[str, ...]) -> int:
        value = 0
        for word in ngram:
            value = (value * _FACTOR + _word_hash(word)) & _MASK
        at = int(self._hashes.searchsorted(np.uint64(value)))
        return int(self._counts[at]) if at < len(self._hashes) and int(self._hashes[at]) == value else 0


_MASK = (1 << 64) - 1
_LONGEST_KEPT = 64  # The most characters of a word whose hash is cached.
# An odd number with random-looking bits: those of the golden ratio (Knuth, The Art of Computer Programming 3, section 6.4).
_FACTOR = 0x9E3779B97F4A7C15


def _word_hash(word: str) -> int:
    return _short_word_hash(word) if len(word) <= _LONGEST_KEPT else _short_word_hash.__wrapped__(word)


@lru_cache(maxsize=1 << 17)
def _short_word_hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _ngram_hashes(words: Sequence[str]) -> NDArray[np.uint64]:
    """Return the distinct hashes of the n-grams of a text: polynomials of the hashes of their words, modulo 2**64."""
    single = np.array([_word_hash(word) for word in words], np.uint64)
    grown, found = single, [single]
    factor = np.uint64(_FACTOR)
    for width in range(2, min(LONGEST, len(words)) + 1):
        grown = grown[:-1] * factor + single[width - 1 :]
        found.append(grown)
    return np.unique(np.concatenate(found))
