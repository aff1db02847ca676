from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.profile.words import information, informative, shared, stem, words_of


def test_words_of_folds_and_drops_the_possessive() -> None:
    assert words_of("Tesla's COIL, and Müller\u2019s e.g. Σ") == words_of("tesla coil and muller e g σ")
    assert words_of("") == []


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("inventions", "invent"),
        ("forging", "forg"),
        ("forge", "forg"),
        ("swapping", "swap"),
        ("meltings", "melt"),
        ("melting", "melt"),
        ("burned", "burn"),
        ("ring", "ring"),
        ("bed", "bed"),
    ],
)
def test_stem_leaves_three_letters(word: str, expected: str) -> None:
    assert stem(word) == expected


@given(st.text("abcdegilnrsy", max_size=12))
def test_a_stem_is_a_beginning_of_its_word(word: str) -> None:
    found = stem(word)
    assert word.startswith(found)
    assert found == word or 3 <= len(found) < len(word)


def test_function_words_and_short_ones_tell_nothing() -> None:
    assert [information(word) for word in ("the", "where", "who", "", "x", "ox", "qz")] == [0.0] * 7


def test_rare_words_tell_more_than_common_ones() -> None:
    assert 0 < information("question") < information("prize") < information("casablanca") < information("thermite") == 1.0


@given(st.text(max_size=12))
def test_information_is_between_none_and_all(word: str) -> None:
    assert 0.0 <= information(word) <= 1.0


def test_informative_keeps_the_most_that_a_stem_tells() -> None:
    found = informative(["The inventor invents.", "Invented by the inventors", "who is it?"])
    assert set(found) == {"invent"} | set(informative(["inventor"]))
    assert found["invent"] == max(information("invents"), information("invented"))
    assert informative([]) == informative(["of the, and"]) == {}


def test_a_script_without_spaces_tells_nothing() -> None:
    assert informative(["今天天气怎么样"]) == {}


def test_shared_sums_what_is_known() -> None:
    assert shared(["coil", "lamp", "coil"], {"coil": 0.5, "wire": 0.25}) == 1.0
    assert shared([], {"coil": 0.5}) == shared(["lamp"], {}) == 0
