from __future__ import annotations

import pytest

from guard.forms.dates import dates, find
from guard.forms.names import folded_words

DAY = ((3, 2),)


@pytest.mark.parametrize(
    ("text", "days", "year"),
    [
        ("3 February 1949", DAY, "1949"),
        ("February 3, 1949", DAY, "1949"),
        ("the 3rd of February, 1949", DAY, "1949"),
        ("Feb. 3rd", DAY, ""),
        ("1949-02-03", DAY, "1949"),
        ("03.02.1949", ((3, 2), (2, 3)), "1949"),
        ("2/13/1949", ((13, 2),), "1949"),
        ("3. Februar 1949", DAY, "1949"),
        ("3 de febrero de 1949", DAY, "1949"),
        ("1er février 1949", ((1, 2),), "1949"),
        ("3 lutego 1949", DAY, "1949"),
        ("3 февраля 1949", DAY, "1949"),
        ("3 Şubat 1949", DAY, "1949"),
        ("3. helmikuuta 1949", DAY, "1949"),
        ("1949. február 3.", DAY, "1949"),
    ],
)
def test_a_date_is_read(text: str, days: tuple[tuple[int, int], ...], year: str) -> None:
    date = find(folded_words(text))
    assert date is not None
    assert (date.days, date.year) == (days, year)


@pytest.mark.parametrize(
    "text", ["1976", "31 February 1949", "13.13.1949", "03.02.49", "may 1949", "Room 3", "3 2", "February", ""]
)
def test_no_date(text: str) -> None:
    assert find(folded_words(text)) is None


WRITTEN = [
    "3 February 1949",
    "February 3, 1949",
    "3rd of February 1949",
    "February 3rd, 1949",
    "Feb. 3, 1949",
    "February 03, 1949",
    "the third of February 1949",
    "1949-02-03",
    "03.02.1949",
    "02/03/1949",
    "3.2.1949",
    "3. Februar 1949",
    "3 février 1949",
    "3 de febrero de 1949",
    "3 febbraio 1949",
    "3 lutego 1949",
    "3 февраля 1949",
    "3 Şubat 1949",
    "3. helmikuuta 1949",
    "1949. február 3.",
]


@pytest.mark.parametrize("listed", ["3 February 1949", "February 3, 1949", "1949-02-03", "03.02.1949", "3 февраля 1949"])
def test_a_date_is_written_in_the_usual_ways(listed: str) -> None:
    words = folded_words(listed)
    made = {" ".join(form) for form in dates(words)} | {" ".join(words)}
    wanted = {" ".join(folded_words(text)).removeprefix("the ") for text in WRITTEN}
    assert wanted - made == set()
    assert len(made) < 70


def test_the_words_around_a_date_stay() -> None:
    made = {" ".join(form) for form in dates(folded_words("born on 3 February 1949 in Lund"))}
    assert "born on february 3 1949 in lund" in made
    assert all(form.startswith("born on ") and form.endswith(" in lund") for form in made)


def test_without_a_year_there_are_no_digits_alone() -> None:
    made = list(dates(folded_words("February 3")))
    assert ("3rd", "of", "february") in made
    assert not [form for form in made if all(word.isdigit() for word in form)]
