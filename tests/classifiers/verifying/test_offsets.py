"""Offsets of folded text in its text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from classifiers.verifying.offsets import Folded
from guard.folding import fold

texts = st.text("aB é\u200b-.ß\u54c8\u0130\U0001d400 \u00ad", max_size=30)


@given(texts)
def test_every_folded_letter_comes_from_a_character_that_folds_to_it(text: str) -> None:
    folded = Folded(text)
    at = 0
    for letter in folded.data.decode():
        size = len(letter.encode())
        start, end = folded.span(at, at + size)
        assert end - start == 1
        assert letter in " ." or letter in fold(text[start:end])
        at += size


def test_a_name_with_invisible_characters_is_covered_whole() -> None:
    folded = Folded("The Har\u200bry  Pot\u00adter!")
    begin = folded.data.index(b"harry")
    assert folded.span(begin, begin + len(b"harry potter")) == (4, 19)
