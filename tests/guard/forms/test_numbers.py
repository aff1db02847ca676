from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.forms.numbers import cardinal, numbers, ordinal, value, year, years


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("1976", {"nineteen seventy six", "nineteen hundred and seventy six", "1 976"}),
        ("1905", {"nineteen oh five"}),
        ("1900", {"nineteen hundred"}),
        ("2007", {"two thousand seven", "two thousand and seven"}),
        ("2024", {"twenty twenty four", "two thousand twenty four"}),
        ("nineteen seventy six", {"1976"}),
        ("one hundred and two", {"102"}),
        ("1 234 567", {"1234567", "one million two hundred thirty four thousand five hundred sixty seven"}),
        ("1234567", {"1 234 567"}),
        ("room 7", {"room seven"}),
        ("room seven b", {"room 7 b"}),
        ("3rd avenue", {"third avenue"}),
        ("the 21st", {"the twenty first"}),
    ],
)
def test_other_ways(text: str, others: set[str]) -> None:
    assert others <= {" ".join(words) for words in numbers(tuple(text.split()), alone=True)}


@pytest.mark.parametrize("text", ["7", "seven", "one", "007", "99999999999", "no number", "hundred", "and", ""])
def test_nothing_else(text: str) -> None:
    assert list(numbers(tuple(text.split()), alone=True)) == []


def test_a_small_number_that_is_not_alone_or_gated_is_written_in_words() -> None:
    assert list(numbers(("7",), alone=False)) == [("seven",)]


@given(st.integers(0, 999_999_999))
def test_cardinals_are_read_back(number: int) -> None:
    assert value(cardinal(number)) == number


@given(st.integers(1100, 2099))
def test_years_are_read_back(number: int) -> None:
    readings = {value(words) for words in year(number) if "oh" not in words}
    assert readings <= {number}


def test_ordinals() -> None:
    assert [" ".join(ordinal(n)) for n in (1, 2, 3, 5, 12, 20, 21, 99)] == (
        ["first", "second", "third", "fifth", "twelfth", "twentieth", "twenty first", "ninety ninth"]
    )


def test_years_in_a_phrase() -> None:
    assert ("3", "may", "nineteen", "forty", "nine") in list(years(("3", "may", "1949"), "1949"))
    assert list(years(("3", "may"), "")) == []
