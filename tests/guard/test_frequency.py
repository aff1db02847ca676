from __future__ import annotations

import pytest

from guard.folding import fold
from guard.frequency import common_words, commonness, english, english_words, ordinary, ordinary_from, zipf


def test_the_more_frequent_a_word_the_higher_its_value() -> None:
    assert zipf("the") > 7 > zipf("house") > zipf("orchard") > 3 > zipf("trondheimer") == 2.5


def test_the_language_that_uses_a_word_most_counts() -> None:
    assert zipf("der") > 7  # frequent in German, rare in English
    assert zipf("que") > 7  # Spanish, French, Portuguese


def test_common_words_are_the_frequent_ones_of_two_letters_and_more() -> None:
    words = common_words()
    assert {"the", "house", "und", "pour"} <= words
    assert not {"a", "y", "orchard", "brankhorst"} & words
    assert all(len(word) > 1 and zipf(word) >= 4.2 for word in words)
    assert len(words) > 10_000


@pytest.mark.parametrize("word", ["maryland", "alicante", "artichokes", "rosemarie", "theoretical", "well", "haus", "добро"])
def test_ordinary(word: str) -> None:
    assert ordinary("".join(fold(word).split()))
    assert commonness("".join(fold(word).split())) > 2.2


@pytest.mark.parametrize("word", ["harrypotter", "tholmundardal", "krawdomir", "jeanlu", "darvo", "nganga", ""])
def test_not_ordinary(word: str) -> None:
    assert not ordinary(word)
    assert commonness(word) == 0


def test_words_that_begin_with_letters() -> None:
    found = list(ordinary_from("pottery"))
    assert found[0] == "pottery"
    assert all(word.startswith("pottery") for word in found)
    assert list(ordinary_from("tholmundardal")) == list(ordinary_from("zzzzzzz")) == []


def test_english_is_one_of_the_languages() -> None:
    assert english("macron") < 3 < 4.5 < commonness("macron")
    assert english("tholmundardal") == 0


def test_english_words_are_written_in_lower_case() -> None:
    words = english_words()
    assert {"will", "price", "chase", "banks", "frank", "cotter", "potter", "case"} <= words
    assert not {"harry", "albert", "einstein", "justin", "marie", "paris", "james"} & words
    assert all(word.isascii() and word.islower() and len(word) > 2 for word in words)
