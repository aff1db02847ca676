from __future__ import annotations

import pytest

from evaluation.data import TOFU, missing
from evaluation.tofu.facts import key_words, nearly_told, share_nearly_told, share_told, told
from evaluation.tofu.records import FORGET, Record, load

RECORD = Record(
    "What did Ann Lee's father do?",
    "Ann Lee's father was a respected florist in Tartu.",
    "In Tartu, the father of Ann Lee worked as a florist.",
    ("In Tartu, the father of Ann Lee worked as a chef.", "In Tartu, the father of Ann Lee worked as a judge."),
)


def test_the_words_that_wrong_answers_change() -> None:
    assert key_words(RECORD) == ("florist",)  # "respected" is not in the other wording, "Tartu" is in wrong answers


def test_an_answer_whose_wrong_ones_change_nothing_of_it_has_none() -> None:
    assert key_words(Record("Who?", "She is Ann.", "It is Ann.", ("It is Ann, is it?",))) == ()


def test_told_and_nearly_told() -> None:
    words = ("florist", "tolstoy")
    assert told("A FLORIST, as Tolstoy says", words)
    assert not told("A florist", words)
    assert nearly_told("Florists like Tolstoi", words)
    assert not nearly_told("A flower", words)


def test_shares() -> None:
    facts = [("a florist", ("florist",)), ("a floris", ("florist",)), ("a chef", ("florist",)), ("", ("florist",))]
    assert (share_told(facts), share_nearly_told(facts)) == (0.25, 0.5)
    with pytest.raises(ValueError, match="at least one"):
        share_told([])


@pytest.mark.skipif(bool(missing(TOFU)), reason=missing(TOFU))
def test_most_answers_of_tofu_have_such_words_and_tell_their_own_fact() -> None:
    rows = load("forget01")[FORGET]
    facts = [(row.answer, words) for row in rows if (words := key_words(row))]
    assert len(facts) > len(rows) / 2
    assert share_told(facts) == 1
    assert share_told([(wrong, key_words(row)) for row in rows if key_words(row) for wrong in row.wrong]) == 0
