"""Which words are nearly others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.verifying.likeness import begun, errors, is_begun, is_form, is_known, is_slip, is_telling, lacks_or_repeats

words = st.text("abcs", min_size=1, max_size=14)


@given(words, words)
def test_a_word_is_not_nearly_itself_or_a_form_of_itself(word: str, ending: str) -> None:
    for other in (word, *([word + ending] if is_form(word + ending, word) else [])):
        assert not is_slip(other, word)
        assert not is_begun(other, word)
        assert not lacks_or_repeats(other, word)


@given(words, words)
def test_the_letters_that_two_words_begin_with(word: str, other: str) -> None:
    size = begun(word, other)
    assert word[:size] == other[:size]
    assert size == min(len(word), len(other)) or word[size] != other[size]


def test_longer_words_may_have_more_errors() -> None:
    assert [errors(letters) for letters in (1, 4, 5, 7, 8, 11, 12, 30)] == [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize(
    ("word", "meant", "slip", "begins"),
    [
        ("sigluajordur", "siglufjordur", True, False),
        ("siglufjord", "siglufjordur", True, True),
        ("hogwards", "hogwarts", True, True),
        ("hogwitch", "hogwarts", False, True),
        ("hallgeiririmnesson", "hallgeirbrimnesson", True, False),
        ("tholmundur", "tholmundardal", False, True),
        ("weasel", "weasley", False, True),
        ("potts", "potter", False, True),
        ("porter", "potter", True, False),
        ("potters", "potter", False, False),
        ("reagan", "weasley", False, False),
        ("dog", "fog", False, False),
        ("hogs", "hogwarts", False, False),
    ],
)
def test_slips_and_beginnings(word: str, meant: str, slip: bool, begins: bool) -> None:
    assert (is_slip(word, meant), is_begun(word, meant)) == (slip, begins)


def test_one_letter_less_or_more() -> None:
    assert lacks_or_repeats("eifel", "eiffel")
    assert lacks_or_repeats("hermine", "hermione")
    assert lacks_or_repeats("granngers", "grangers")
    assert not lacks_or_repeats("porter", "potter")
    assert not lacks_or_repeats("ro", "ron")


def test_few_words_begin_with_telling_letters() -> None:
    assert is_telling("hogwitch", "hogwarts")
    assert not is_telling("hallward", "hallgeir")


def test_known_words_are_correctly_spelled_in_some_language() -> None:
    assert all(map(is_known, ["weasel", "the", "albert", "paris", "haus"]))
    assert not any(map(is_known, ["hogwitch", "weasly", "februrs", "dumbledorf"]))
