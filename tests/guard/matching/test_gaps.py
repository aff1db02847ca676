"""Names with one more word in between."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from guard import Cursor, Masks, Restriction, Vocabulary
from guard.form import Form
from guard.matching import gapkernels
from guard.matching.gaps import GapAutomaton, GapCursor, GapMasks
from guard.phrase import Phrase
from tests.guard import scripts
from tests.guard.bans import costs

NAME = Form("harry potter", "gated", kind="middle", gap=True)


@settings(max_examples=150, deadline=None)
@given(scripts.scripts(excepting=False))
def test_what_is_banned_is_what_the_reference_says(script: scripts.Script) -> None:
    scripts.check(script)


def test_only_forms_with_a_gap_are_compiled() -> None:
    assert len(GapAutomaton.build([Phrase("Harry Potter"), Form("harry potter", kind="order")])) == 1
    assert len(GapAutomaton.build([NAME])) == 1 + len(" harry potter")
    # One word has no gap, and five are no name.
    assert len(GapAutomaton.build([Form("potter", gap=True), Form("a b c d e", gap=True)])) == 1


@pytest.mark.parametrize(
    ("said", "banned"),
    [
        ("harry james", True),
        ("Harry J.", True),
        ("harry (1961)", True),
        ("harry james and", False),
        ("james", False),
        ("charry james", False),
        ("harry said. ", False),
    ],
)
def test_one_more_word_by_hand(said: str, banned: bool) -> None:
    vocabulary = Vocabulary.of([b" Potter", said.encode()])
    cursor = Cursor(Masks.of(Restriction.compile([NAME]), vocabulary))
    cursor.extend([1])
    assert (0 in costs(*cursor.bans())) is banned


def test_a_name_may_begin_in_the_prompt() -> None:
    vocabulary = Vocabulary.of([b" Potter", b"who is harry", b" james", None])
    masks = Masks.of(Restriction.compile([NAME]), vocabulary)
    assert 0 in costs(*Cursor(masks, [3, 1, 2]).bans())
    assert 0 not in costs(*Cursor(masks, [3, 1, 2, 3]).bans())  # another message began


def test_tokens_of_several_words_matter_if_a_word_in_them_may_begin_a_word_of_a_name() -> None:
    vocabulary = Vocabulary.of([b"y J. Potter", b"y J. Smith", b" Potter", b". p", "太郎".encode()])
    masks = GapMasks(GapAutomaton.build([NAME]), vocabulary)
    assert masks.several[0].tolist() == [0, 3]
    assert masks.inner.tolist() == [2, 0]


def test_a_cursor_in_the_middle_of_a_text_waits_for_a_word() -> None:
    masks = GapMasks(GapAutomaton.build([NAME]), Vocabulary.of([b" potter"]))
    inside, at_start = GapCursor(masks, at_start=False), GapCursor(masks, at_start=True)
    for cursor in (inside, at_start):
        cursor.read(np.frombuffer(b"harry james", np.uint8))
    assert not inside.bans()
    assert costs(*at_start.bans()) == {0: np.inf}


def test_a_node_that_continues_nothing_is_silent() -> None:
    masks = GapMasks(GapAutomaton.build([NAME]), Vocabulary.of([b"x"]))
    assert not len(masks.continuing(5, gapkernels.PASSED))
    assert masks.silent[5]
