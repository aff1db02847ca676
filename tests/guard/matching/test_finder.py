"""The finder: a table of cases, and every answer against the slow reference."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard import reference
from guard.matching.finder import Finder
from guard.phrase import Phrase
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


@settings(max_examples=300, deadline=None)
@given(strategies.phrases, st.text(strategies.ALPHABET, max_size=60))
def test_find_agrees_with_the_reference(phrases: list[Phrase], text: str) -> None:
    phrases = [Phrase(p.text, "gated", p.match, force=True) for p in phrases]  # gated phrases have no compact form
    folded = reference.folded_stream([text.encode()])
    expected = {p.folded for p in phrases if reference.occurrences(p, folded)}
    found = {phrases[index].folded for index, _ in Finder(phrases).find(text)}
    # Phrases with one pattern are one in the automaton; a prefix wins over a word.
    assert found == expected


def test_no_phrases_find_nothing() -> None:
    assert Finder([]).find("anything at all") == []


#                                        0         1
# Offsets in bytes of the folded text:   0123456789012345
def test_an_occurrence_is_the_phrase_s_index_and_the_offset_of_its_end() -> None:
    assert Finder([Phrase("mad"), Phrase("hatter")]).find("MAD, a Hatter is") == [(0, 3), (1, 12)]


def test_of_phrases_with_one_pattern_the_first_is_told() -> None:
    assert Finder([Phrase("Tea"), Phrase("tea")]).find("tea") == [(0, 3)]


def test_a_word_and_a_prefix_with_one_text_are_found_wherever_either_is() -> None:
    assert [index for index, _ in Finder([Phrase("tea"), Phrase("tea", match="prefix")]).find("teapot")] == [0]


def test_overlapping_phrases_are_all_found() -> None:
    assert Finder([Phrase("mad hatter"), Phrase("hatter"), Phrase("hatter tea")]).find("mad hatter tea") == [
        (0, 10),
        (1, 10),
        (2, 14),
    ]
