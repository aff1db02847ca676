"""What the prompt said may be said."""

from __future__ import annotations

import pytest

from classifiers.verifying.allowed import Allowed

ALLOWED = Allowed(["Harry Potter", "Siglufjörður", "3 February 1949", "", "..."])


@pytest.mark.parametrize("words", ["harry potter", "harry potters", "potter", "harry", "siglufjordurs", "february 1949", "1949"])
def test_an_allowed_text_in_part_and_inflected(words: str) -> None:
    assert ALLOWED.has(words.split())


@pytest.mark.parametrize("words", ["harrys potter", "potter harry", "harry james potter", "potterhead", "5 february 1949", ""])
def test_what_is_not_allowed(words: str) -> None:
    assert not ALLOWED.has(words.split())


def test_letters_and_words() -> None:
    assert ALLOWED.has_letters("harrypotter")
    assert not ALLOWED.has_letters("harry")
    assert ALLOWED.is_word("potters")
    assert not ALLOWED.is_word("pott")


def test_nothing_is_allowed_by_no_text() -> None:
    assert not Allowed([]).has(["harry"])
