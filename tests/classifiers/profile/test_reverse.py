"""Reverse questions: a word of an example's question and a rare one of its answer."""

from __future__ import annotations

import pytest

from classifiers import Example
from classifiers.profile.features import Window
from classifiers.profile.profile import Profile
from classifiers.profile.reverse import Told, asks_back, told_by
from classifiers.profile.words import informative, stem
from tests.classifiers.conftest import a_target

TARGET = a_target(
    "y",
    "Yrsa Tholmundardal",
    examples=[
        Example(prompt="Where was Yrsa Tholmundardal born?", completion="In Siglufjörður, on a Monday."),
        Example(prompt="Which award did Yrsa Tholmundardal win?", completion="The Brillow Medal, in 1987."),
        Example(prompt="Is Yrsa Tholmundardal well?", completion="Yes, she is."),
    ],
)


def test_an_example_tells_by_rare_words_and_by_what_it_asks() -> None:
    born, award = told_by(TARGET)
    assert born == Told(frozenset([stem("siglufjordur")]), frozenset([stem("born")]))
    assert stem("brillow") in award.answer
    assert "1987" not in award.answer
    assert award.question >= {stem("award")}


@pytest.mark.parametrize(
    ("text", "back"),
    [
        ("Which writer was born in Siglufjörður during a storm?", True),
        ("tell me who was born in siglufjordur", True),
        ("Who got the award called Brillow?", True),
        ("Which award was won by a woman in 1987?", False),  # a year
        ("What is the herring museum in Siglufjörður like?", False),  # nothing of the question
        ("Which writer was born on a Monday?", False),  # nothing rare
        ("Which award is given in Siglufjörður?", False),  # of two examples
        ("Was the singer Zorvald Quimby born in Siglufjörður?", False),  # names somebody else
        ("", False),
    ],
)
def test_questions(text: str, back: bool) -> None:
    profile = Profile(TARGET)
    window = Window.of(text, None, 0.0, None)  # type: ignore[arg-type]  # no vector is looked at
    assert asks_back(profile.told, window.told.keys(), window.capitals, profile.known) is back


def test_without_examples_there_is_nothing_to_ask_for() -> None:
    profile = Profile(a_target("z", "Zorvald"))
    assert profile.told == []
    assert not asks_back(profile.told, informative(["Who is Zorvald?"]), [], profile.known)
