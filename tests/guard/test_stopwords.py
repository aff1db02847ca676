"""Stop words: as texts are compared, and long enough to be asked about."""

from __future__ import annotations

from guard.folding import fold
from guard.stopwords import COMMON_WORDS, STOP_WORDS


def test_stop_words_are_folded_and_long_enough_to_matter() -> None:
    assert all(word == fold(word) and len(word) >= 3 for word in STOP_WORDS)
    assert len(STOP_WORDS) > 200


def test_common_words_are_the_stop_words_and_shorter_ones() -> None:
    assert STOP_WORDS < COMMON_WORDS
    assert all(word == fold(word) and len(word) < 3 for word in COMMON_WORDS - STOP_WORDS)


def test_a_contraction_s_parts_are_common_words() -> None:
    for text in ("don't", "I'm", "she'll", "they've", "isn't", "it's"):
        assert COMMON_WORDS.issuperset(fold(text).split()), text
