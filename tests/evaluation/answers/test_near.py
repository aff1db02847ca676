from __future__ import annotations

import pytest

from evaluation.answers.near import measurable, near


@pytest.mark.parametrize(
    ("text", "fact", "expected"),
    [
        # r o n w e a s l e y: nine of ten letters are left in order.
        ("His friend Ron Weasel came.", "Ron Weasley", True),
        ("His friend Ron Weasley came.", "Ron Weasley", True),
        # hogw..t, five of eight letters: too few.
        ("The school is Hogwitch.", "Hogwarts", False),
        ("many wizards", "wizard", True),
        ("Siglu fjordur", "Siglufjörður", True),
        # All letters in order, but among many others.
        ("who is an old good man who walks a road to see his", "Hogwarts", False),
        ("", "Hogwarts", False),
        # Too short, and only digits.
        ("Ulms", "Ulm", False),
        ("in 1879", "1879", False),
    ],
)
def test_near(text: str, fact: str, expected: bool) -> None:
    assert near(text, fact) is expected


def test_three_quarters_are_enough_and_less_is_not() -> None:
    assert near("abcdef", "abcdefgh")
    assert not near("abcde", "abcdefgh")
    # At most one and a half times the letters.
    assert near("aXbXcXdXefgh", "abcdefgh")
    assert not near("aXbXcXdXefghY", "abcdefgh")


def test_what_can_be_missed_nearly() -> None:
    assert measurable("Hogwarts")
    assert measurable("3 May 1949")
    assert not measurable("Yoda")
    assert not measurable("1234567")
