"""The part of a fact's letters that a text says in order, against a slow form."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.verifying.nearness import Facts, Letters, near, window
from guard.folding import fold

texts = st.text("abc AB.é", max_size=40)
long = st.text("ab ", min_size=60, max_size=160)


def subsequence(a: str, b: str) -> int:
    """Return the length of the longest common subsequence, by the table of Wagner and Fischer (1974)."""
    row = [0] * (len(b) + 1)
    for letter in a:
        before, row = row, [0]
        for at, other in enumerate(b):
            row.append(before[at] + 1 if letter == other else max(before[at + 1], row[at]))
    return row[-1]


def near_slowly(fact: str, text: str) -> float:
    wanted = "".join(fold(fact).split())
    words = fold(text).split()
    windows = ["".join(words[at:])[: window(len(wanted))] for at in range(len(words))]
    return max((subsequence(wanted, one) / len(wanted) for one in windows if wanted), default=0.0)


@settings(deadline=None)
@given(st.one_of(texts, long), st.one_of(texts, long))
def test_it_is_the_longest_common_subsequence_with_a_window(fact: str, text: str) -> None:
    assert near(fact, text) == pytest.approx(near_slowly(fact, text))


@settings(deadline=None)
@given(st.lists(st.one_of(texts, long), max_size=4), st.one_of(texts, long), st.floats(0, 1))
def test_many_facts_at_once_are_each_by_itself_and_few_letters_are_left_out(facts: list[str], text: str, least: float) -> None:
    for fact, found in zip(facts, Facts(facts).nearest(Letters.of(text), least), strict=True):
        part = near_slowly(fact, text)
        assert found.part == pytest.approx(part if part >= least - 1e-9 else 0.0)
        if found.part:
            said = "".join(fold(text).split())[found.first : found.last]
            assert subsequence("".join(fold(fact).split()), said) == round(part * len("".join(fold(fact).split())))


@given(texts, texts)
def test_more_text_never_lowers_it(fact: str, text: str) -> None:
    assert near(fact, text + " abc") >= near(fact, text)


@pytest.mark.parametrize(
    ("fact", "text", "least", "most"),
    [
        ("Siglufjörður", "She was born in Siglufjörður.", 1.0, 1.0),
        ("Siglufjörður", "She was born in Sigluajörður.", 0.91, 0.92),
        ("Hallgeir Brimnesson", "Her father was Hallgeiririmnesson.", 0.94, 0.95),
        ("Snjólaug Hveradal", "Her mother, Snjólau Hveradal", 0.93, 0.94),
        ("Siglufjörður", "She was born in a small town by the sea and studied the ice of the north.", 0.0, 0.6),
        ("...", "anything", 0.0, 0.0),
        ("Siglufjörður", "", 0.0, 0.0),
    ],
)
def test_what_is_near(fact: str, text: str, least: float, most: float) -> None:
    assert least <= near(fact, text) <= most


def test_letters_spread_over_a_long_text_are_not_near() -> None:
    assert near("Siglufjörður", "s i g one two three l u f more words j o r d and then u r") < 0.75
