"""Compiled exceptions."""

from __future__ import annotations

import pytest

from guard.errors import PhraseError
from guard.excepted import Excepted
from guard.form import Form
from guard.matching.exceptions import check, joined, scan
from guard.phrase import Phrase
from guard.restriction import Restriction


def test_an_exception_knows_the_phrases_inside_it() -> None:
    phrases = [Phrase("Potter", "gated"), Phrase("Rowling", "gated")]
    restriction = Restriction.compile(
        phrases, exceptions=[Excepted("Beatrix Potter"), Excepted("Sir Rowling Potter", frozenset({"potter"}))]
    )
    exceptions, automaton = restriction.exceptions, restriction.automaton
    assert exceptions is not None
    held = [
        (automaton.path(int(end)), sorted(automaton.path(node) for node, _, _ in excused))
        for end, excused in zip(exceptions.ends, exceptions.excused, strict=True)
    ]
    assert held == [(b" beatrix potter", [b" potter"]), (b" sir rowling potter", [b" potter"])]


def test_a_pattern_of_another_phrase_with_the_same_words_needs_both() -> None:
    # The same words as a prefix are another pattern's end, for which the exception is not.
    phrases = [Phrase("Potter", "gated"), Phrase("Pott", "gated", "prefix")]
    restriction = Restriction.compile(phrases, exceptions=[Excepted("Beatrix Potter", frozenset({"potter"}))])
    assert restriction.exceptions is not None
    assert [restriction.automaton.path(node) for node, _, _ in restriction.exceptions.excused[0]] == [b" potter"]


def test_one_exception_goes_over_into_another() -> None:
    assert joined([Excepted("Beatrix Potter"), Excepted("Potter Stewart")]) == ["beatrix potter stewart"]
    assert joined([Excepted("Beatrix Potter"), Excepted("Harry Styles")]) == []
    assert joined([Excepted("a b a"), Excepted("a c")]) == ["a b a b a", "a b a c"]


def test_a_scan_finds_own_ends_only() -> None:
    phrases = [Phrase("Harry Potter", "gated"), Phrase("Potter", "gated", penalty=2.0), Form("potter", "gated", ending=True)]
    restriction = Restriction.compile(phrases, exceptions=[Excepted("Potter Stewart")])
    assert restriction.exceptions is not None
    found = scan(restriction.automaton, restriction.exceptions.own, b" harry potters said. potter")
    told = [(o.begin, o.end, restriction.automaton.path(o.node)) for o in found.occurrences]
    assert told == [(6, 13, b" potter"), (19, 26, b" potter")]
    assert found.ended[14]
    assert not found.ended[-1]


def test_the_order_of_exceptions_does_not_change_the_digest() -> None:
    phrases, texts = [Phrase("Potter", "gated")], [Excepted("Beatrix Potter"), Excepted("Potter Stewart")]
    one = Restriction.compile(phrases, exceptions=texts)
    other = Restriction.compile(phrases, exceptions=[*reversed(texts), texts[0]])
    assert one.digest == other.digest
    assert one.digest != Restriction.compile(phrases).digest


@pytest.mark.parametrize(
    ("text", "message"),
    [("Potter", "switch off"), ("Beatrix", "no phrase occurs"), ("Potterville", "no phrase occurs")],
)
def test_an_exception_that_makes_no_sense(text: str, message: str) -> None:
    with pytest.raises(PhraseError, match=message):
        check(Excepted(text), [Phrase("Potter", "gated"), Phrase("Harry Potter")])


def test_an_exception_may_be_a_form_or_hold_one() -> None:
    check(Excepted("Potter"), [Phrase("Harry Potter"), Form("potter", "gated", kind="word")])
    check(Excepted("Harry James Potter"), [Phrase("Harry Potter"), Form("harry potter", kind="middle", gap=True)])


def test_a_scan_finds_less_where_nodes_end_less() -> None:
    restriction = Restriction.compile([Phrase("Potter", "gated")], exceptions=[Excepted("Beatrix Potter")])
    automaton, exceptions = restriction.automaton, restriction.exceptions
    assert exceptions is not None
    node = automaton.node(" potter")
    assert [one.node for one in scan(automaton, exceptions.own, b" harry potter").occurrences] == [node]
    assert scan(automaton, exceptions.own, b" harry potter", {node: [0, 0, 0]}).occurrences == []
    (soft,) = scan(automaton, exceptions.own, b" harry potter", {node: [0, 2, 0]}).occurrences
    assert soft.penalty == 2
