from __future__ import annotations

from guard.frequency import common_words, zipf


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
