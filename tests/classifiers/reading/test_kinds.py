"""Kinds of things: which words go with which."""

from __future__ import annotations

import pytest

from classifiers.reading.kinds import KINDS, kinds_of


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("who dies in heat", {"screen"}),
        ("who painted it", {"picture"}),
        ("how many songs are there", {"music"}),
        ("how do i cancel", {"firm"}),
        ("how long is the river", {"nature"}),
        ("what did she say about his wife", {"person"}),
        ("how do planes fly", set()),
    ],
)
def test_kinds_of_a_text(text: str, kinds: set[str]) -> None:
    assert kinds_of(text.split()) == kinds


def test_words_of_the_name_do_not_count() -> None:
    assert "game" in kinds_of(["costumes", "for", "squid", "game"])
    assert kinds_of(["costumes", "for", "squid", "game"], names={"squid", "game"}) == frozenset()


def test_the_words_are_folded() -> None:
    assert all(word.isascii() and word.islower() for words in KINDS.values() for word in words)
