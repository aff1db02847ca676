from __future__ import annotations

import pytest

from guard.forms.names import split_name
from guard.forms.people import initialled, is_personal, join, orders, without_middle


def texts(words: object) -> set[str]:
    return {" ".join(one) for one in words}  # type: ignore[attr-defined]


def test_surname_first() -> None:
    assert texts(orders(split_name("Fredrik Bloggsvik"))) == {"bloggsvik fredrik"}
    assert texts(orders(split_name("Nguyen Thi Khuetri"))) == {"khuetri nguyen thi", "thi khuetri nguyen"}
    assert texts(orders(split_name("Harry Potter"))) == {"potter harry"}
    assert texts(orders(split_name("Mary Land"))) == set()  # "in that land Mary ..."
    assert texts(orders(split_name("Thomas James"))) == set()  # another man


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("Fredrik Bloggsvik", {"f bloggsvik", "bloggsvik f"}),
        ("J. K. Rowling", {"j k rowling", "rowling j k", "jk rowling", "rowling jk"}),
        ("JK Rowling", {"j k rowling", "rowling j k"}),
        ("Joanne Kathleen Rowling", {"joanne k rowling", "j k rowling", "jk rowling"}),
        ("John Smith", set()),
        ("Albert Einstein", set()),  # "a Einstein"
        ("World War II", set()),
        ("Алёна Верещагинцева", set()),  # "а" means "and"
    ],
)
def test_initials(name: str, made: set[str]) -> None:
    found = texts(initialled(name, split_name(name)))
    assert made <= found
    assert bool(made) == bool(found)


def test_names_without_middle_names_and_particles() -> None:
    assert texts(without_middle(split_name("Mary Wollstonecraft Shelley"))) == {"mary shelley", "shelley mary"}
    assert texts(without_middle(split_name("Ludwig van Beethoven"))) == {"ludwig beethoven"}
    assert texts(without_middle(split_name("John Paul Smith"))) == set()


def test_what_may_be_a_person() -> None:
    assert is_personal(split_name("Mary Shelley"))
    assert not is_personal(split_name("Shelley"))
    assert not is_personal(split_name("The Mary"))
    assert join(split_name("Ludwig van Beethoven")) == ("ludwig", "van", "beethoven")
