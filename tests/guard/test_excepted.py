"""Exceptions as an operator writes them."""

from __future__ import annotations

import pytest

from guard.errors import PhraseError
from guard.excepted import Excepted, closed_in
from guard.phrase import Phrase


def test_an_exception_is_compared_as_a_phrase_is() -> None:
    assert Excepted("Potter  STEWART").pattern == "potter stewart"
    assert Excepted("the").pattern == "the"  # stop words alone are no danger here


@pytest.mark.parametrize("text", ["", "...", "x" * 513])
def test_what_no_phrase_can_be_no_exception_can_be(text: str) -> None:
    with pytest.raises(PhraseError):
        Excepted(text)


def test_letters_of_a_phrase_inside_an_exception() -> None:
    phrase = Phrase("Mary Land")
    assert closed_in(phrase, Excepted("Maryland"))
    assert closed_in(phrase, Excepted("the Mary Land Bank"))
    assert not closed_in(phrase, Excepted("Mary Lander's", frozenset({"another phrase"})))
    assert not closed_in(phrase, Excepted("Mary and Land"))
