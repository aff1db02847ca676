"""The words of a text and where they are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from classifiers.verifying.words import Word, words_of
from guard.folding import fold


@given(st.text("aBé \u200b-'.ß\u54c8\u2019\n\u00ab", max_size=40))
def test_the_words_are_those_of_the_folded_text(text: str) -> None:
    words = words_of(text)
    assert [word.text for word in words] == fold(text).split()
    assert all(word.text in fold(text[word.start : word.end]) for word in words)


def test_a_word_knows_its_place_and_whether_it_is_capitalised() -> None:
    assert words_of("the J.K. Rowling\u2019s") == [
        Word("the", 0, 3, False),
        Word("j", 4, 5, True),
        Word("k", 6, 7, True),
        Word("rowling", 9, 16, True),
        Word("s", 17, 18, False),
    ]


def test_without_any_capital_all_words_count_as_capitalised() -> None:
    assert [word.capital for word in words_of("ron weasel")] == [True, True]
    assert [word.capital for word in words_of("Ron weasel")] == [True, False]


def test_an_invisible_character_does_not_divide_a_word() -> None:
    assert words_of("Pot\u200bter") == [Word("potter", 0, 7, True)]
