"""What a restriction bans in a finished text, against the reference."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.verifying.occurrences import Search
from guard import reference
from guard.excepted import Excepted
from guard.folding import fold_sentences
from guard.form import Form
from guard.phrase import Phrase
from guard.restriction import Restriction
from tests.guard import strategies

texts = st.one_of(st.text("ab .é-哈", max_size=30), strategies.SENTENCES)


def said(phrases: list[Phrase], text: str, exceptions: list[Excepted] | None = None) -> list[str]:
    """Return what a search finds, as folded text."""
    search = Search(Restriction.compile(phrases, exceptions=exceptions or []))
    folded = fold_sentences(text).encode()
    found = [*search.words(folded), *search.letters(folded), *search.gapped(folded)]
    return [folded[one.begin : one.end].decode() for one in found]


@settings(deadline=None, max_examples=300)
@given(strategies.phrases, texts)
def test_something_is_found_exactly_where_the_mask_would_have_banned_a_token(phrases: list[Phrase], text: str) -> None:
    # The text goes on with a word that no phrase has, so that the mask knows where a word ends, as the search does.
    text += " zzzz"
    hard = [phrase for phrase in phrases if phrase.penalty == math.inf]
    assert bool(said(hard, text)) == (reference.penalty(hard, [], text.encode()) == math.inf)


@settings(deadline=None, max_examples=300)
@given(strategies.phrases, texts, st.lists(st.text("ab .é", min_size=2, max_size=12), min_size=1, max_size=2))
def test_nothing_is_found_inside_an_exception_that_is_said_to_its_end(
    phrases: list[Phrase], text: str, exceptions: list[str]
) -> None:
    text += " zzzz"
    hard = [phrase for phrase in phrases if phrase.penalty == math.inf]
    excepted = [Excepted(one) for one in exceptions if fold_sentences(one).strip(" .")]
    assert bool(said(hard, text, excepted)) == (reference.penalty(hard, [], text.encode(), excepted) == math.inf)


@settings(deadline=None)
@given(strategies.phrases, texts)
def test_each_finding_is_a_phrase_with_an_ending_or_none(phrases: list[Phrase], text: str) -> None:
    hard = [phrase for phrase in phrases if phrase.penalty == math.inf]
    search = Search(Restriction.compile(hard))
    folded = fold_sentences(text).encode()
    for one in search.words(folded):
        letters = folded[one.begin : one.end].decode().replace(" ", "").replace(".", "")
        begun = [end.replace(" ", "").replace(".", "") for phrase in hard for end, _ in phrase.ends()]
        assert any(letters.startswith(own) for own in begun)


def test_a_penalised_phrase_may_be_said() -> None:
    assert said([Phrase("Harry Potter", penalty=4.0)], "Harry Potter") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Harry Potter", ["harry potter"]),
        ("about Harry  Potter.", ["harry potter"]),
        ("Harry Potter Stewart", ["harry potter"]),
        ("Harrys Potter", []),
        ("H-a-r-r-y Potter", ["h a r r y potter"]),
    ],
)
def test_where_a_phrase_is(text: str, found: list[str]) -> None:
    assert sorted(set(said([Phrase("Harry Potter")], text))) == found


def test_an_ending_is_part_of_what_is_said() -> None:
    form = Form("Harry Potter", kind="inflection", ending=True)
    assert said([form], "the Harry Potters of it") == ["harry potters"]


def test_a_name_with_a_middle_name_is_found_from_its_beginning() -> None:
    form = Form("Harry Potter", kind="middle", gap=True)
    assert said([form], "it is Harry James Potter who") == ["harry james potter"]


def test_an_exception_that_is_not_said_to_its_end_excuses_nothing() -> None:
    phrases, exceptions = [Phrase("Potter")], [Excepted("Potter Stewart")]
    assert said(phrases, "Potter Stewart", exceptions) == []
    assert said(phrases, "Potter Stew", exceptions) == ["potter"]
    assert said(phrases, "Potter", exceptions) == ["potter"]


def test_of_two_phrases_that_end_at_one_place_a_known_one_is_certain() -> None:
    phrases = [Phrase("Potter", scope="gated"), Phrase("Harry Potter"), Phrase("Harry Potter and the Stone")]
    search = Search(Restriction.compile(phrases))
    text = b"harry potter and"
    assert [text[one.begin : one.end] for one in search.words(text)] == [b"potter"]
    assert [text[one.begin : one.end] for one in search.words(text, {b"harry potter"})] == [b"harry potter", b"potter"]


def test_letters_anywhere_need_no_word_boundaries() -> None:
    search = Search(Restriction.compile([Phrase("Harry Potter")]))
    assert search.letters(b"xharrypotterx") == []
    (one,) = search.letters(b"xharrypotterx", anywhere=True)
    assert (one.begin, one.end) == (1, 12)
