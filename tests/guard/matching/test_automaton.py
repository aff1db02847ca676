"""The automaton: one table of cases, and every answer against the slow reference."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard import reference
from guard.errors import PhraseError
from guard.matching.automaton import Automaton, as_bytes
from guard.matching.finder import Finder
from guard.phrase import Phrase, phrases_of
from tests.guard import strategies

CASES = [
    ("nothing there", "Potter", "word", False),
    ("Harry Potter", "Potter", "word", True),
    ("POTTER.", "potter", "word", True),
    ("Pottery", "Potter", "word", False),
    ("Pottery", "Potter", "prefix", True),
    ("repotter", "Potter", "prefix", False),
    ("repottery", "Potter", "substring", True),
    ("Harry\n\n  Potter", "Harry Potter", "word", True),
    ("Harry, Potter", "Harry Potter", "word", True),
    ("HarryPotter", "Harry Potter", "word", False),
    ("ふりハリー・ポッターだ", "ハリー・ポッター", "word", True),
    ("Zürich", "Zurich", "word", True),
    ("1999", "99", "word", False),
]


@pytest.mark.parametrize(("text", "phrase", "match", "found"), CASES)
def test_cases(text: str, phrase: str, match: str, found: bool) -> None:
    finder = Finder([Phrase("another thing"), Phrase(phrase, match=match)])  # type: ignore[arg-type]
    assert [index for index, _ in finder.find(text)] == ([1] if found else [])


def test_no_phrases_find_nothing() -> None:
    automaton = Automaton.build([])
    assert Finder([]).find("anything at all") == []
    assert (automaton.start, automaton.depth, len(automaton)) == (0, 0, 1)


@settings(max_examples=300, deadline=None)
@given(strategies.phrases, st.text(strategies.ALPHABET, max_size=60))
def test_find_agrees_with_the_reference(phrases: list[Phrase], text: str) -> None:
    phrases = [Phrase(p.text, "gated", p.match, force=True) for p in phrases]  # gated phrases have no compact form
    folded = reference.folded_stream([text.encode()])
    expected = {p.folded for p in phrases if reference.occurrences(p, folded)}
    found = {phrases[index].folded for index, _ in Finder(phrases).find(text)}
    # Phrases with one pattern are one in the automaton; a prefix wins over a word.
    assert found == expected


@settings(max_examples=100, deadline=None)
@given(strategies.phrases, st.text(strategies.ALPHABET, max_size=20))
def test_the_order_of_the_phrases_does_not_matter(phrases: list[Phrase], text: str) -> None:
    automata = [Automaton.build(order) for order in itertools.islice(itertools.permutations(phrases), 6)]
    states = {a.walk(a.start, as_bytes(text)) for a in automata}
    assert len(states) == 1
    assert len({a.completes(a.start, as_bytes(text)) for a in automata}) == 1


@pytest.mark.parametrize("text", ["", " ", "...", "\u200b", "👍"])
def test_a_phrase_that_folds_to_nothing_is_an_error(text: str) -> None:
    with pytest.raises(PhraseError, match="empty after folding"):
        Phrase(text)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"text": "a" * 513}, "513 characters"),
        ({"penalty": 0.0}, "above zero"),
        ({"penalty": float("nan")}, "above zero"),
        ({"scope": "never"}, "unknown scope"),
        ({"match": "regex"}, "unknown match"),
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


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("...", "phrase 2: empty after folding"),
        ("the", "phrase 2: made of stop words"),
        ("x" * 513, "phrase 2: 513 characters"),
        ("a\ud800b", "phrase 2: not valid Unicode"),
        ({"text": "x y", "scope": "sometimes"}, "phrase 2: unknown scope"),
        ({"text": "x y", "colour": "red"}, "phrase 2: .*colour"),
    ],
)
def test_a_list_of_phrases_names_the_first_that_is_wrong(bad: object, message: str) -> None:
    with pytest.raises(PhraseError, match=message) as caught:
        phrases_of(["Mad Hatter", {"text": "tea", "scope": "gated"}, bad, "..."])  # type: ignore[list-item]
    assert caught.value.index == 2
    assert [p.text for p in phrases_of(["Mad Hatter", {"text": "tea"}])] == ["Mad Hatter", "tea"]
