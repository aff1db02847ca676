"""What exceptions change about the bans of a state."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given, settings

from guard import Cursor, Masks, Phrase, Restriction, Vocabulary
from guard.excepted import Excepted
from guard.form import Form
from tests.guard import scripts
from tests.guard.bans import costs

POTTER = [Phrase("Potter", "gated")]


@settings(max_examples=150, deadline=None)
@given(scripts.scripts())
@pytest.mark.slow
def test_what_is_banned_is_what_the_reference_says(script: scripts.Script) -> None:
    scripts.check(script)


def banned(phrases: list[Phrase], texts: list[str], said: str, tokens: list[str]) -> set[str]:
    """Return which tokens are banned behind the text."""
    vocabulary = Vocabulary.of([said.encode(), *(token.encode() for token in tokens), None])
    cursor = Cursor(Masks.of(Restriction.compile(phrases, exceptions=[Excepted(text) for text in texts]), vocabulary))
    if said:
        cursor.extend([0])
    found = costs(*cursor.bans())
    assert set(found.values()) <= {inf}
    return {"<end>" if token == len(tokens) + 1 else tokens[token - 1] for token in found if token}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", {" Potter", " potters Potter"}),
        ("Beatrix", {" potters Potter"}),
        ("Beatrix and", {" Potter", " potters Potter"}),
        ("to Beatrix. ", {" Potter", " potters Potter"}),
    ],
)
def test_an_exception_that_ends_with_the_phrase(said: str, expected: set[str]) -> None:
    tokens = [" Potter", " potters Potter", " was", "."]
    assert banned(POTTER, ["Beatrix Potter"], said, tokens) == expected


def test_an_exception_that_goes_on_must_be_said_to_its_end() -> None:
    tokens = [" Potter", " Stewart", " Stew", "art", " was", ".", "s", ", Stewart", " Stewarts"]
    assert banned(POTTER, ["Potter Stewart"], "", tokens) == set()
    # Behind the phrase nothing else may follow: no other word, no end. "Potters" would be another word.
    assert banned(POTTER, ["Potter Stewart"], "Judge Potter", tokens) == {" Potter", " was", " Stewarts", "<end>"}
    assert banned(POTTER, ["Potter Stewart"], "Judge Potter Stew", tokens) >= {" was", "s", ".", "<end>"}
    assert banned(POTTER, ["Potter Stewart"], "Judge Potter Stewart.", tokens) == set()


@pytest.mark.parametrize(("beta", "behind"), [(1.0, set()), (0.5, {"s", " "})])
def test_a_form_with_an_ending_holds_the_phrase_whatever_its_beta(beta: float, behind: set[str]) -> None:
    phrases = [Phrase("tom riddle", beta=beta), Form("tom riddle", "always", kind="middle", ending=True)]
    # With beta 0.5, half of the name has been said: only "e" goes on with the exception.
    assert banned(phrases, ["tom riddles"], "tom riddl", ["e", "s", " "]) == behind | ({"<end>"} if behind else set())
    tokens: list[bytes | None] = [b"tom riddl", b"e", b"s", b" ", b"."]
    scripts.check(scripts.Script(phrases, [Excepted("tom riddles", None)], tokens, [0, 1], []))


def test_one_exception_may_go_over_into_another() -> None:
    tokens = [" was", "<>"]
    # The first covers the phrase, so the second need not be said to its end.
    assert banned(POTTER, ["Beatrix Potter", "Potter Stewart"], "Beatrix Potter Stew", tokens) == set()
    assert " was" in banned(POTTER, ["Beatrix Potter", "Potter Stewart"], "the Potter Stew", tokens)


def test_a_name_with_one_more_word_is_excused_where_the_exception_ends_with_it() -> None:
    name = [Phrase("Harry Potter"), Form("harry potter", kind="middle", gap=True)]
    assert banned(name, ["Harry S. Potter"], "Harry S.", [" Potter"]) == set()
    assert banned(name, ["Harry S. Potter"], "Harry T.", [" Potter"]) == {" Potter"}
    assert banned(name, ["Harry S. Potter Junior"], "Harry S.", [" Potter"]) == {" Potter"}


def test_a_name_that_begins_before_the_exception_or_ends_before_its_end_is_not_excused() -> None:
    """Hypothesis found the first: one token ends a name that the exception does not hold, and one that it does."""
    names = [Form("aa a aa", "always", force=True, kind="middle", gap=True)]
    tokens = ["a aa", "a", " aa"]
    # "aa (aa) a aa" is a name that begins before the exception "aa a aa aa", and "aa a (a) aa" is none of it.
    assert banned(names, ["aa a aa aa"], "aa aa a a", tokens) == {"a aa", "a", " aa"}
    assert banned(names, ["aa a aa aa"], "aa a a", tokens) == {" aa"}
    assert banned(names, ["aa a aa aa"], "b aa a a", tokens) == {" aa"}
    scripts.check(
        scripts.Script(names, [Excepted("aa a aa aa", None)], [None, b"a", b"aa aa", b"a aa", b" "], [2, 4, 1, 4, 1], [])
    )


def test_an_excused_name_with_one_more_word_gets_no_ending() -> None:
    name = [Phrase("Harry Potter"), Form("harry potter", kind="middle", gap=True, ending=True)]
    tokens = ["s", "x", " Potter", " Potters", " was"]
    assert banned(name, ["Harry S. Potter"], "Harry S.", tokens) == {" Potters"}
    # In whatever tokens it is written.
    assert banned(name, ["Harry S. Potter"], "Harry S. Potter", tokens) == {"s"}
    assert banned(name, [], "Harry S. Potter", tokens) == set()
    vocabulary: list[bytes | None] = [b"harry s. potter", b"s", b"x", b" ", b"e", None]
    for allowed in ([], ["harry potter"]):
        scripts.check(scripts.Script(name, [Excepted("Harry S. Potter", None)], vocabulary, [0, 4, 1], allowed))


def test_a_closed_up_exception_is_not_found_by_its_letters() -> None:
    name = [Phrase("Theo Rosalinde")]
    assert banned(name, [], "", ["theorosalinde"]) == {"theorosalinde"}
    assert banned(name, ["Theorosalinde", "Theo Rosalinde Bank"], "", ["theorosalinde"]) == set()


def test_an_exception_excuses_its_own_phrases_alone() -> None:
    vocabulary = Vocabulary.of([b"Beatrix", b" Potter"])
    other = Excepted("Beatrix Potter", frozenset({"stewart"}))
    cursor = Cursor(Masks.of(Restriction.compile([*POTTER, Phrase("Stewart", "gated")], exceptions=[other]), vocabulary))
    cursor.extend([0])
    assert 1 in costs(*cursor.bans())
