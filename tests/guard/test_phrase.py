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
    ("beta", "reached"),
    [(1.0, "harry potter"), (0.5, "harry"), (0.4, "harry"), (0.3, "harr"), (0.75, "harry pot"), (0.99, "harry potter")],
)
def test_beta_is_a_fraction_of_the_folded_characters(beta: float, reached: str) -> None:
    assert Phrase("HARRY  Potter", beta=beta).reached == reached


def test_from_the_cut_on_each_point_is_an_end() -> None:
    assert Phrase("Mad. Hatter", beta=1.0).ends() == [("mad hatter", True)]
    assert Phrase("Mad Hat", beta=0.7).ends() == [("mad h", False), ("mad ha", False), ("mad hat", True)]
    assert Phrase("Mad Hat", beta=0.7, match="prefix").ends() == [("mad h", False), ("mad ha", False), ("mad hat", False)]
    # A word must also end where the words before it end, and no end is behind a space or a sentence end.
    assert Phrase("Tea mad hat", beta=0.6).ends()[:2] == [("tea mad", True), ("tea mad h", False)]
    assert Phrase("Teas. Mad", beta=0.4).ends()[:2] == [("teas", True), ("teas.m", False)]


@pytest.mark.parametrize(
    ("text", "beta", "message"),
    [
        ("Harry Potter", 0.01, "fewer than 4 letters"),
        ("Harry Potter", 0.2, "fewer than 4 letters"),
        ("1976", 0.5, "fewer than 4 letters"),
        ("I am Ada", 0.5, "stop words"),
        ("the zebra", 0.3, "stop words"),
        ("about zebras", 0.4, "stop words"),
    ],
)
def test_a_cut_that_would_block_ordinary_answers_is_an_error(text: str, beta: float, message: str) -> None:
    with pytest.raises(PhraseError, match=message):
        Phrase(text, beta=beta)
    assert Phrase(text, beta=beta, force=True).reached


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("Harry.Potter", "harry potter"),
        ("Harry! Potter?", "harry.potter"),
        ("J. K. Rowling", "j k rowling"),
        ("Stop. Now. Hammer", "stop.now hammer"),
        ("...To be frank. Cotter", "to be frank.cotter"),
        ("哈利。 波特", "哈 利 波 特"),
    ],
)
def test_a_pattern_has_a_dot_where_a_sentence_ends_in_the_phrase(text: str, pattern: str) -> None:
    phrase = Phrase(text)
    assert phrase.pattern == pattern
    assert phrase.folded == pattern.replace(".", " ")


@pytest.mark.parametrize(
    ("text", "scope", "compact"),
    [
        ("Harry Potter", "always", "harrypotter"),
        ("Harry Potter", "gated", ""),
        ("Mr Pott", "always", ""),
        ("1 2 3 4 5 6 7 8", "always", "12345678"),
        ("long " * 17, "always", ""),
        ("Stop! Hammer time", "always", "stophammertime"),
        # Closed up, these are ordinary words or places.
        ("Mary Land", "always", ""),
        ("Ali Cante", "always", ""),
        ("Art Ichokes", "always", ""),
        ("Rose Marie", "always", ""),
        ("Theo Retical", "always", ""),
        # One word is its own compact form.
        ("Theoretical", "always", "theoretical"),
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
    assert Phrase("tea").ends() == [("tea", True)]
    assert Phrase("tea", match="prefix").ends() == [("tea", False)]
    assert Phrase("tea", match="substring").ends() == [("tea", False)]


def test_that_a_phrase_was_forced_is_no_part_of_it() -> None:
    assert Phrase("tea", force=True) == Phrase("tea")
