"""The two invariants of the decode-time core, fast against slow."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from guard import reference
from guard.decoding.cursor import Cursor
from guard.decoding.masks import Masks
from guard.phrase import Phrase
from guard.restriction import Restriction
from guard.tokens.vocabulary import Vocabulary
from tests.guard import strategies


def masks_of(phrases: list[Phrase], tokens: list[bytes | None], capacity: int = 1 << 20) -> Masks:
    return Masks.of(Restriction.compile(phrases), Vocabulary.of(tokens), capacity=capacity)


def worst(cursor: Cursor) -> dict[int, float]:
    """Return token id -> highest penalty of what the cursor bans now."""
    penalties: dict[int, float] = {}
    for ban in cursor.bans():
        for token in ban.ids:
            penalties[int(token)] = math.inf
        for token, penalty in zip(ban.soft, ban.penalties, strict=True):
            penalties[int(token)] = max(penalties.get(int(token), 0.0), float(penalty))
    return penalties


def expected(phrases: list[Phrase], tokens: list[bytes | None], said: list[bytes]) -> dict[int, float]:
    penalties = {t: reference.penalty(phrases, said, token) for t, token in enumerate(tokens) if token}
    return {t: p for t, p in penalties.items() if p}


@settings(max_examples=400, deadline=None)
@given(strategies.phrases, strategies.vocabularies(), st.data())
def test_a_token_is_banned_exactly_if_the_reference_says_so(
    phrases: list[Phrase], tokens: list[bytes | None], data: st.DataObject
) -> None:
    cursor = Cursor(masks_of(phrases, tokens))
    said: list[bytes] = []
    for token in data.draw(st.lists(st.integers(0, len(tokens) - 1), max_size=12)):
        assert worst(cursor) == expected(phrases, tokens, said)
        cursor.extend([token])
        said.append(tokens[token] or b"")
    assert worst(cursor) == expected(phrases, tokens, said)


@settings(max_examples=200, deadline=None)
@given(strategies.phrases, strategies.vocabularies(), st.randoms(use_true_random=False))
def test_no_text_made_of_allowed_tokens_holds_a_banned_phrase(
    phrases: list[Phrase], tokens: list[bytes | None], random: object
) -> None:
    banned = [Phrase(p.text, p.scope, p.match, force=True) for p in phrases]
    cursor = Cursor(masks_of(banned, tokens))
    said: list[bytes] = []
    for _ in range(40):
        allowed = [t for t in range(len(tokens)) if t not in worst(cursor)]
        token = random.choice(allowed)  # type: ignore[attr-defined]
        cursor.extend([token])
        said.append(tokens[token] or b"")
    text = reference.folded_stream(said)
    assert not any(reference.occurrences(phrase, text) for phrase in banned)


@settings(max_examples=200, deadline=None)
@given(strategies.phrases, strategies.vocabularies(), st.data())
def test_a_prompt_tail_counts_as_text_that_was_said(
    phrases: list[Phrase], tokens: list[bytes | None], data: st.DataObject
) -> None:
    prompt = data.draw(st.lists(st.integers(0, len(tokens) - 1), max_size=40))
    cursor = Cursor(masks_of(phrases, tokens), prompt)
    special = [at for at, token in enumerate(prompt) if tokens[token] is None]
    last_message = prompt[special[-1] + 1 :] if special else prompt
    assert worst(cursor) == expected(phrases, tokens, [tokens[t] or b"" for t in last_message])


def test_a_small_vocabulary_checked_by_hand() -> None:
    tokens = [b" Harry", b" Potter", b" Pottery", b"Pot", b"ter", b"ter,", b"s", b" ", b"HARRY", b" harry potter", b"-"]
    masks = masks_of([Phrase("Harry Potter", "gated")], tokens)
    cursor = Cursor(masks)
    assert worst(cursor) == {9: math.inf}
    cursor.extend([0])
    assert worst(cursor) == {1: math.inf, 9: math.inf}
    cursor.extend([10])
    assert worst(cursor) == {1: math.inf, 9: math.inf}
    cursor.extend([3])
    assert worst(cursor) == {4: math.inf, 5: math.inf, 9: math.inf}
    cursor.extend([6])
    assert worst(cursor) == {9: math.inf}


def test_the_cache_is_bounded_and_what_it_drops_is_found_again() -> None:
    tokens = [bytes([b]) for b in range(256)]
    phrases = [Phrase(f"{a}{b}{c}") for a in "abc" for b in "abc" for c in "abc"]
    small, large = (masks_of(phrases, tokens, capacity) for capacity in (20, 1 << 20))
    rng = np.random.default_rng(0)
    one, other = Cursor(small), Cursor(large)
    for token in rng.choice(np.frombuffer(b"abc ", np.uint8), 500):
        one.extend([int(token)])
        other.extend([int(token)])
        assert worst(one) == worst(other)
    assert len(small._nodes) <= 2 < len(large._nodes)


def test_letters_with_anything_between_them_checked_by_hand() -> None:
    tokens = [b"H", b"-a", b"-r-r-y", b" P-o-t", b"-t-e", b"-r", b"rs", b" c", b"harry", b" potter", b" har rypotter x"]
    cursor = Cursor(masks_of([Phrase("Harry Potter")], tokens))
    for token in (0, 1, 2, 3, 4):
        assert set(worst(cursor)) == {10} | ({9} if token == 3 else set())
        cursor.extend([token])
    assert set(worst(cursor)) == {2, 5, 10}  # "-r-r-y" too: its first letter is a word of its own
    cursor.extend([6])
    assert set(worst(cursor)) == {10}
    begun_inside_a_word = Cursor(masks_of([Phrase("Harry Potter")], tokens))
    begun_inside_a_word.extend([7, 8])
    assert set(worst(begun_inside_a_word)) == {10}
