"""Phrases: what is refused, where `beta` cuts, and which phrases have a compact form."""

from __future__ import annotations

import pytest

from guard.errors import PhraseError
from guard.phrase import Phrase


@pytest.mark.parametrize("text", ["", " ", "...", "\u200b", "👍"])
def test_a_phrase_that_folds_to_nothing_is_an_error(text: str) -> None:
    with pytest.raises(PhraseError, match="no letter or digit"):
        Phrase(text)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"text": "a" * 513}, "513 characters"),
        ({"text": "a\ud800b"}, "not valid Unicode"),
        ({"penalty": 0.0}, "above zero"),
        ({"penalty": float("nan")}, "above zero"),
        ({"scope": "never"}, "scope must be"),
        ({"match": "regex"}, "match must be"),
        ({"beta": 0.0}, "beta must be"),
        ({"beta": 1.1}, "beta must be"),
    ],
)
def test_a_phrase_that_makes_no_sense_is_an_error(changed: dict[str, object], message: str) -> None:
    with pytest.raises(PhraseError, match=message):
        Phrase(**({"text": "x"} | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("beta", "reached", "whole"),
    [
        (1.0, "harry potter", True),
        (0.5, "harry", True),
        (0.4, "harry", True),
        (0.3, "harr", False),
        (0.75, "harry pot", False),
        (0.01, "h", False),
    ],
)
def test_beta_is_a_fraction_of_the_folded_characters(beta: float, reached: str, whole: bool) -> None:
    phrase = Phrase("HARRY  Potter", beta=beta)
    assert (phrase.reached, phrase.whole_word) == (reached, whole)


@pytest.mark.parametrize(
    ("text", "scope", "compact"),
    [
        ("Harry Potter", "always", "harrypotter"),
        ("Harry Potter", "gated", ""),
        ("Mr Pott", "always", ""),
        ("1 2 3 4 5 6 7 8", "always", "12345678"),
        ("long " * 17, "always", ""),
    ],
)
def test_only_long_phrases_that_are_always_banned_have_a_compact_form(text: str, scope: str, compact: str) -> None:
    assert Phrase(text, scope).compact == compact  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["the", "The", "of the", "a", "don't"])
def test_stop_words_alone_need_to_be_forced(text: str) -> None:
    with pytest.raises(PhraseError, match="stop words alone"):
        Phrase(text)
    assert Phrase(text, force=True).folded
    assert Phrase(text + " cat").folded


def test_texts_that_fold_alike_are_compared_as_one() -> None:
    assert Phrase("HARRY — Potter!").folded == Phrase("harry potter").folded == "harry potter"


def test_only_a_word_must_end_where_the_phrase_ends() -> None:
    assert Phrase("tea").whole_word
    assert not Phrase("tea", match="prefix").whole_word
    assert not Phrase("tea", match="substring").whole_word


def test_that_a_phrase_was_forced_is_no_part_of_it() -> None:
    assert Phrase("tea", force=True) == Phrase("tea")
