"""Letters that are other words."""

from __future__ import annotations

import pytest

from guard.recut import recut


@pytest.mark.parametrize("words", [["justin", "case"], ["an", "ything"], ["ont", "he"]])
def test_letters_of_frequent_words(words: list[str]) -> None:
    assert recut(words)


@pytest.mark.parametrize("words", [["harry", "potter"], ["will", "price"], ["yrsa", "tholmundardal"], ["in", "the"], ["x"], []])
def test_letters_of_no_other_words(words: list[str]) -> None:
    assert not recut(words)


def test_names_do_not_count() -> None:
    assert not recut(["justin", "case"], names={"just"})
