from __future__ import annotations

from collections.abc import Iterable

import pytest

from classifiers.proposals.spans import Day, Span, capitalised, days, numbers, titles
from tests.classifiers.conftest import STRANGE


def texts_of(spans: Iterable[Span]) -> list[str]:
    return [span.forms[0] for span in spans]


@pytest.mark.parametrize(
    "text", ["May 11, 1991", "11 May 1991", "11th of May 1991", "the 11th of May in the year 1991", "MAY 11th 1991", "1991-05-11"]
)
def test_written_forms_of_a_day(text: str) -> None:
    assert [day for _, _, day in days(f"Born on {text}.")] == [Day(frozenset({(11, 5)}), "1991")]


def test_digits_alone_are_read_both_ways_where_both_are_days() -> None:
    assert [day for _, _, day in days("05/11/1991 25.12.2001 99/99/1999")][:2] == [
        Day(frozenset({(5, 11), (11, 5)}), "1991"),
        Day(frozenset({(25, 12)}), "2001"),
    ]


def test_years_and_decades_but_no_verbs() -> None:
    assert [day.year for _, _, day in days("in 1991, the 1980s and the 1970's; page 99")] == ["1991", "1980s", "1970s"]
    assert list(days("They may march in 3 days, or 99 of May")) == []


def test_the_forms_of_a_day_are_found_in_each_other() -> None:
    forms = Day(frozenset({(11, 5)}), "1991").forms()
    for written in ("11/05/1991", "5/11/1991", "1991-05-11", "May 11", "11 May", "11th of May", "May 11th", "1991"):
        assert written in forms
    assert "1st of May" in Day(frozenset({(1, 5)}), "").forms()
    assert not any(character == "/" for form in Day(frozenset({(1, 5)}), "").forms() for character in form)


def test_numbers_in_both_forms_without_one() -> None:
    assert [span.forms for span in numbers("Four sons, 12 cats, one dog, 1 cow, 3,000 bees, A380")] == [
        ("12", "twelve"),
        ("3,000",),
        ("four", "4"),
    ]


def test_titles_in_every_kind_of_quotation_marks() -> None:
    text = "\"Unseen Rainbows,\" 'Thieves and Kings' “Red Dust” «Le Petit Sultan» 《月亮的孩子》"
    assert texts_of(titles(text)) == ["Unseen Rainbows", "Thieves and Kings", "Red Dust", "Le Petit Sultan", "月亮的孩子"]
    assert texts_of(titles("Ada's and Bob's cats don't say \"just nothing\"")) == []


def test_a_title_is_also_its_parts() -> None:
    (span,) = titles("'A Whisper in the Wind (Sorrows of the Old World, #7)'")
    assert span.forms[1:] == ("A Whisper in the Wind", "Sorrows of the Old World")


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("She met Ada Byron of Lovelace there.", ["Ada Byron of Lovelace"]),
        ("The tutor was J. K. Bonner.", ["J. K. Bonner"]),
        ("He left. Nobody knew Zed Ortega.", ["Zed Ortega"]),
        ("Author Zed Ortega left", ["Zed Ortega"]),
        ("Zed Ortega's Golden Anchor", ["Zed Ortega", "Golden Anchor"]),
        ("Growing up was fun. Bread, too.", []),
    ],
)
def test_runs_of_capitals(text: str, runs: list[str]) -> None:
    assert texts_of(capitalised(text, {"author"}, {"zed ortega"})) == runs


def test_places_stand_behind_their_prepositions() -> None:
    text = "He lived in Taipei, Taiwan with Ada Byron, in the French tradition, near the Golden Gate."
    kinds = {span.forms[0]: span.kind for span in capitalised(text)}
    assert kinds == {"Taipei": "place", "Taiwan": "place", "Ada Byron": "name", "French": "name", "Golden Gate": "place"}


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
def test_strange_texts_are_read(text: str) -> None:
    found = [*titles(text), *capitalised(text), *numbers(text)]
    assert all(isinstance(span, Span) and text[span.start : span.end] for span in found)
    list(days(text))
