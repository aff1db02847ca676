"""The slow reference, by hand: everything fast is compared with it, so what it says has to be right by itself."""

from __future__ import annotations

import math
from typing import Any

import pytest

from guard.form import Form
from guard.phrase import Phrase
from guard.reference import compact_occurrences, folded_stream, occurrences, penalty


def test_a_stream_begins_with_a_space() -> None:
    assert folded_stream([b"Mad", b" Hat"]) == " mad hat"


def test_an_unfinished_character_is_held_back() -> None:
    assert folded_stream([b"caf\xc3"]) == " caf"
    assert folded_stream([b"caf\xc3", b"\xa9"]) == " cafe"


#                         0         1
# Offsets in characters:  0123456789012345
@pytest.mark.parametrize(
    ("match", "folded", "ends"),
    [
        ("word", " tea teapot tea", {4, 15}),
        ("prefix", " tea teapot tea", {4, 8, 15}),
        ("substring", " tea steal", {4, 9}),
        ("prefix", " steal", set()),
        ("word", " te", set()),
    ],
)
def test_occurrences(match: Any, folded: str, ends: set[int]) -> None:
    assert occurrences(Phrase("tea", "gated", match), folded) == ends


@pytest.mark.parametrize(
    ("folded", "ends"), [(" mad ha", {7}), (" mad h", set()), (" mad hat", {7, 8}), (" mad hatter", {7, 8, 9, 10, 11})]
)
def test_with_a_beta_the_beginning_counts(folded: str, ends: set[int]) -> None:
    # "mad hatter" has ten characters: six are "mad ha".
    assert occurrences(Phrase("mad hatter", "gated", beta=0.6), folded) == ends


@pytest.mark.parametrize(
    ("folded", "ends"),
    [
        (" h a r r y potter", {17}),
        (" harrypotter", {12}),
        (" charrypotter", set()),  # begins inside a word
        (" harrypotters", set()),  # ends inside a word
        (" harry potte", set()),
        (" harry. potter", set()),  # a sentence ends
        (" har. ry.potter", {15}),
    ],
)
def test_letters_with_anything_between_them(folded: str, ends: set[int]) -> None:
    assert compact_occurrences(Phrase("Harry Potter"), folded) == ends


@pytest.mark.parametrize(
    ("phrase", "folded", "ends"),
    [
        ("frank cotter", " frank. cotter", set()),
        ("frank cotter", " frank.cotter", {13}),
        ("j k rowling", " j. k. rowling", {14}),
        ("prof. grey", " prof. grey", {11}),
        ("prof. grey", " prof grey", set()),
        ("prof. grey", " prof.grey", set()),
    ],
)
def test_a_sentence_ends_with_a_dot_and_a_space_behind_a_long_word(phrase: str, folded: str, ends: set[int]) -> None:
    assert occurrences(Phrase(phrase, "gated"), folded) == ends


def test_a_substring_may_begin_inside_a_word_which_then_ends_a_sentence() -> None:
    assert occurrences(Phrase("rank cotter", "gated", "substring"), " frank. cotter") == {14}


@pytest.mark.parametrize(
    ("folded", "ends"),
    [(" potters", {7}), (" potterin x", {7}), (" potterq", set()), (" potteri", {7}), (" potteri x", {7}), (" potteriq", set())],
)
def test_an_ending_counts_if_it_is_whole_or_may_become_so(folded: str, ends: set[int]) -> None:
    assert occurrences(Form("Potter", "gated", kind="word", ending=True), folded) == ends


def test_a_gated_phrase_is_not_looked_for_by_its_letters() -> None:
    assert compact_occurrences(Phrase("Harry Potter", "gated"), " harrypotter") == set()


@pytest.mark.parametrize(
    ("said", "token", "cost"),
    [
        ([b"the mad"], b" hatter", math.inf),
        ([b"the mad"], b" tea", 2.0),
        ([b"the mad hatter"], b".", 0.0),  # it was said before
        ([b"the mad"], b" hatters", 0.0),
    ],
)
def test_a_token_costs_what_it_completes(said: list[bytes], token: bytes, cost: float) -> None:
    assert penalty([Phrase("mad hatter"), Phrase("tea", penalty=2.0)], said, token) == cost


@pytest.mark.parametrize(
    ("allowed", "token", "cost"),
    [
        ([], b" hatter", math.inf),
        (["Mad  Hatter"], b" hatter", 0.0),
        (["Hatter"], b" hatter", math.inf),
        (["Mad Hatter"], b" hatters", 0.0),
        (["Mad Hatter"], b" tea", 2.0),
        (["Mad Hatter", "the mad tea"], b" tea", 0.0),
    ],
)
def test_a_phrase_that_is_an_allowed_text_does_not_occur(allowed: list[str], token: bytes, cost: float) -> None:
    phrases = [Phrase("mad hatter"), Form("mad hatter", "always", kind="word", ending=True), Phrase("the mad tea", penalty=2.0)]
    assert penalty(phrases, [b"the mad"], token, allowed=allowed) == cost


def test_an_allowed_text_may_be_said_letter_by_letter_but_not_with_a_word_in_it_or_cut_short() -> None:
    assert penalty([Phrase("mad hatter")], [b"m-a-d h-a-t-t-e"], b"-r", allowed=["mad hatter"]) == 0
    form = Form("mad hatter", "always", kind="middle", gap=True)
    assert penalty([form], [b"mad old"], b" hatter", allowed=["mad hatter"]) == math.inf
    assert penalty([Phrase("mad hatter", beta=0.6)], [b"mad"], b" hat", allowed=["mad hatter"]) == math.inf
