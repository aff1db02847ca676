"""The two invariants of the decode-time core, fast against slow."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from guard import reference
from guard.decoding.cursor import Cursor
from guard.decoding.masks import Masks
from guard.matching.automaton import Automaton
from guard.phrase import Phrase
from guard.restriction import Restriction
from guard.tokens.vocabulary import Vocabulary
from tests.guard import strategies
from tests.guard.bans import costs, expected


def masks_of(phrases: list[Phrase], tokens: list[bytes | None], capacity: int = 1 << 20) -> Masks:
    return Masks.of(Restriction.compile(phrases), Vocabulary.of(tokens), capacity=capacity)


@settings(max_examples=400, deadline=None)
@given(strategies.phrases, strategies.vocabularies(), st.data())
def test_a_token_is_banned_exactly_if_the_reference_says_so(
    phrases: list[Phrase], tokens: list[bytes | None], data: st.DataObject
) -> None:
    cursor = Cursor(masks_of(phrases, tokens))
    said: list[bytes] = []
    for token in data.draw(st.lists(st.integers(0, len(tokens) - 1), max_size=12)):
        assert costs(*cursor.bans()) == expected(phrases, tokens, said)
        cursor.extend([token])
        said.append(tokens[token] or b"")
    assert costs(*cursor.bans()) == expected(phrases, tokens, said)


@settings(max_examples=200, deadline=None)
@given(strategies.phrases, strategies.vocabularies(), st.randoms(use_true_random=False))
def test_no_text_made_of_allowed_tokens_holds_a_banned_phrase(
    phrases: list[Phrase], tokens: list[bytes | None], random: object
) -> None:
    banned = [Phrase(p.text, p.scope, p.match, force=True) for p in phrases]
    cursor = Cursor(masks_of(banned, tokens))
    said: list[bytes] = []
    for _ in range(40):
        allowed = [t for t in range(len(tokens)) if t not in costs(*cursor.bans())]
        token = random.choice(allowed)  # type: ignore[attr-defined]
        cursor.extend([token])
        said.append(tokens[token] or b"")
    text = reference.folded_stream(said)
    assert not any(reference.occurrences(phrase, text) for phrase in banned)


def test_a_small_vocabulary_checked_by_hand() -> None:
    tokens = [b" Harry", b" Potter", b" Pottery", b"Pot", b"ter", b"ter,", b"s", b" ", b"HARRY", b" harry potter", b"-"]
    masks = masks_of([Phrase("Harry Potter", "gated")], tokens)
    cursor = Cursor(masks)
    assert costs(*cursor.bans()) == {9: math.inf}
    cursor.extend([0])
    assert costs(*cursor.bans()) == {1: math.inf, 9: math.inf}
    cursor.extend([10])
    assert costs(*cursor.bans()) == {1: math.inf, 9: math.inf}
    cursor.extend([3])
    assert costs(*cursor.bans()) == {4: math.inf, 5: math.inf, 9: math.inf}
    cursor.extend([6])
    assert costs(*cursor.bans()) == {9: math.inf}


def test_the_cache_is_bounded_and_what_it_drops_is_found_again() -> None:
    tokens = [bytes([b]) for b in range(256)]
    phrases = [Phrase(f"{a}{b}{c}") for a in "abc" for b in "abc" for c in "abc"]
    small, large = (masks_of(phrases, tokens, capacity) for capacity in (20, 1 << 20))
    rng = np.random.default_rng(0)
    one, other = Cursor(small), Cursor(large)
    for token in rng.choice(np.frombuffer(b"abc ", np.uint8), 500):
        one.extend([int(token)])
        other.extend([int(token)])
        assert costs(*one.bans()) == costs(*other.bans())
    assert len(small._nodes) <= 2 < len(large._nodes)


def test_ids_beyond_the_width_of_the_logits_are_left_out() -> None:
    narrow = Vocabulary.of([None, b" mad", b" hatter", b" tea", b" cup", b"s"], 3)
    masks = Masks(Automaton.build([Phrase("tea"), Phrase("hatter")]), narrow)
    assert costs(*masks.at(masks.automaton.start)) == {2: math.inf}


def test_a_restriction_without_letters_has_no_masks_for_them() -> None:
    masks = masks_of([Phrase("tea")], [b" tea"])
    assert masks.compact is None


def test_what_every_sequence_needs_first_is_there_after_prepare() -> None:
    masks = masks_of([Phrase("tea cup of china")], [b" tea cup", b" of china"])
    assert "within" not in vars(masks)
    masks.prepare()
    assert "within" in vars(masks)
    assert masks.compact is not None
    assert "within" in vars(masks.compact)


def test_a_node_that_continues_nothing_is_known_to_once_it_was_looked_at() -> None:
    masks = masks_of([Phrase("tea")], [b"x"])
    node = masks.automaton.start
    assert not masks.silent[node]
    assert len(masks.continuing(node)) == 0
    assert masks.silent[node]
