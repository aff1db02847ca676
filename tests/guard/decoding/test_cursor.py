"""The cursor: what it bans after a prompt and after what was sampled, checked by hand and against the slow reference."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.decoding.cursor import Cursor
from guard.decoding.masks import Masks
from guard.form import Form
from guard.phrase import Phrase
from guard.restriction import Restriction
from guard.tokens.vocabulary import Vocabulary
from tests.guard import strategies
from tests.guard.bans import costs, expected


def masks_of(phrases: list[Phrase], tokens: list[bytes | None]) -> Masks:
    return Masks.of(Restriction.compile(phrases), Vocabulary.of(tokens))


@settings(max_examples=200, deadline=None)
@given(strategies.phrases, strategies.vocabularies(), st.data())
def test_a_prompt_tail_counts_as_text_that_was_said(
    phrases: list[Phrase], tokens: list[bytes | None], data: st.DataObject
) -> None:
    prompt = data.draw(st.lists(st.integers(0, len(tokens) - 1), max_size=40))
    cursor = Cursor(masks_of(phrases, tokens), prompt)
    special = [at for at, token in enumerate(prompt) if tokens[token] is None]
    last_message = prompt[special[-1] + 1 :] if special else prompt
    assert costs(*cursor.bans()) == expected(phrases, tokens, [tokens[t] or b"" for t in last_message])


@settings(max_examples=100, deadline=None)
@given(strategies.phrases, strategies.vocabularies(), st.data())
def test_ids_read_together_say_what_they_say_one_by_one(
    phrases: list[Phrase], tokens: list[bytes | None], data: st.DataObject
) -> None:
    ids = data.draw(st.lists(st.integers(-1, len(tokens)), max_size=12))
    masks = masks_of(phrases, tokens)
    together, apart = Cursor(masks), Cursor(masks)
    together.extend(ids)
    for token in ids:
        apart.extend([token])
    assert (together.node, together.pending) == (apart.node, apart.pending)
    assert costs(*together.bans()) == costs(*apart.bans())


def test_letters_with_anything_between_them_checked_by_hand() -> None:
    tokens = [b"H", b"-a", b"-r-r-y", b" P-o-t", b"-t-e", b"-r", b"rs", b" c", b"harry", b" potter", b" har rypotter x"]
    cursor = Cursor(masks_of([Phrase("Harry Potter")], tokens))
    for token in (0, 1, 2, 3, 4):
        assert set(costs(*cursor.bans())) == {10} | ({9} if token == 3 else set())
        cursor.extend([token])
    assert set(costs(*cursor.bans())) == {2, 5, 10}  # "-r-r-y" too: its first letter is a word of its own
    cursor.extend([6])
    assert set(costs(*cursor.bans())) == {10}
    begun_inside_a_word = Cursor(masks_of([Phrase("Harry Potter")], tokens))
    begun_inside_a_word.extend([7, 8])
    assert set(costs(*begun_inside_a_word.bans())) == {10}


def test_ids_outside_the_vocabulary_add_no_text() -> None:
    masks = masks_of([Phrase("tea cup")], [b" tea", b" cup"])
    one, other = Cursor(masks), Cursor(masks)
    one.extend([-1, 0, 99])
    other.extend([0])
    assert one.node == other.node


def test_a_cursor_without_compact_phrases_keeps_no_state_for_them() -> None:
    cursor = Cursor(masks_of([Phrase("tea")], [b" tea"]))
    assert cursor.compact is None


def test_half_a_character_is_held_until_it_is_whole() -> None:
    cursor = Cursor(masks_of([Phrase("é", "gated", "substring", force=True)], [b"\xc3", b"\xa9", b"x"]))
    cursor.extend([0])
    assert cursor.pending == b"\xc3"
    # The fold of "é" is "e".
    assert costs(*cursor.bans()) == {1: float("inf")}
    cursor.extend([1])
    assert cursor.pending == b""


def met(phrases: list[Phrase], pieces: list[bytes]) -> bool:
    """Return whether the last of the pieces is banned behind the others."""
    cursor = Cursor(masks_of(phrases, list(pieces)))
    cursor.extend(range(len(pieces) - 1))
    return len(pieces) - 1 in costs(*cursor.bans())


@pytest.mark.parametrize(
    ("phrase", "pieces", "banned"),
    [
        ("Frank Cotter", [b"To be frank", b".", b" Cotter"], False),
        ("Frank Cotter", [b"To be frank.", b" ", b"Cotter"], False),
        ("Frank Cotter", [b"To be frank.", b"\n\n", b"Cotter"], False),
        ("Frank Cotter", [b"To be fr", b"ank.", b" Cotter"], False),
        ("Frank Cotter", [b"To be frank", b". Cotter"], False),
        ("Frank Cotter", [b"To be frank. Cotter"], False),
        ("Frank Cotter", [b"frank", b".Cotter"], True),
        ("Frank Cotter", [b"frank.", b"Cotter"], True),
        ("Frank Cotter", [b"frank", b",", b" Cotter"], True),
        ("Frank Cotter", [b"Frank Cotter. x"], True),
        ("Frank Cotter", [b"Frank", b" Cotter. x"], True),
        ("Frank Cotter", [b"x. Frank Cotter"], True),
        ("Frank Cotter", [b"frank", b". Frank Cotter"], True),
        ("J. K. Rowling", [b"J", b".", b" K", b". Rowling"], True),
        ("J. K. Rowling", [b"J.K", b". ", b"Rowling"], True),
        ("Dr Grey", [b"Dr", b".", b" ", b"Grey"], True),
        ("Prof. Grey", [b"Prof", b".", b" ", b"Grey"], True),
        ("Prof. Grey", [b"Prof", b". Grey"], True),
        ("Prof. Grey", [b"Prof", b" Grey"], False),
        ("Prof. Grey", [b"Prof.", b"Grey"], False),
    ],
)
def test_sentence_ends_at_the_borders_of_tokens(phrase: str, pieces: list[bytes], banned: bool) -> None:
    assert met([Phrase(phrase, "gated")], pieces) == banned
    # Other phrases, which share its words, change nothing.
    others = [Phrase(text, "gated") for text in ("Cotter pin", "frankly", "x. x x x", "Prof x")]
    assert met([Phrase(phrase, "gated"), *others], pieces) == banned


@pytest.mark.parametrize(
    ("pieces", "banned"),
    [
        ([b"Harry. P-o-t-t-e-r"], False),
        ([b"Harry", b". P-o-t-t-e-r"], False),
        ([b"Harry.", b" P-o-t-t-e-r"], False),
        ([b"Harry.", b"P-o-t-t-e-r"], True),
        ([b"H-a-r-r-y. P-o-t-t-e-r"], True),  # its words are single letters
        ([b"H-a-r-r-y", b".", b" Potter"], True),
        ([b"x. H-a-r-r-y Potter"], True),
        ([b"H-a-r-r-y Pot", b"ter. x"], True),
    ],
)
def test_letters_are_not_joined_across_the_end_of_a_sentence(pieces: list[bytes], banned: bool) -> None:
    assert met([Phrase("Harry Potter")], pieces) == banned


@pytest.mark.parametrize("text", [b"Harry Potters", b"Harry Potterin", b"Harry Potterissa"])
def test_an_ending_may_be_split_anywhere(text: bytes) -> None:
    form = Form("Harry Potter", "gated", kind="inflection", ending=True)
    for at in range(len(b"Harry "), len(text)):
        cursor = Cursor(masks_of([form], [text[:at], text[at:], b"q", text[at:] + b"q x"]))
        if at < len(b"Harry Potter"):
            cursor.extend([0])
            assert set(costs(*cursor.bans())) >= {1}
            assert 3 not in costs(*cursor.bans())
        else:
            # The phrase was complete before: what follows completes nothing, and its first part is what is banned.
            assert set(costs(*cursor.bans())) >= {0}


def test_with_a_beta_the_rest_is_banned_at_each_point() -> None:
    phrase = Phrase("3 February 1949", beta=0.5)
    tokens = [b"3 February 19", b"49", b"4", b"3", b" February", b"50", b" Februa", b"ry", b" x", b" 3 Feb"]
    cursor = Cursor(masks_of([phrase], tokens))
    assert set(costs(*cursor.bans())) == {0}
    cursor.extend([0])
    assert set(costs(*cursor.bans())) == {1, 2}
    cursor.extend([2])
    # "9" alone would go on to the end, but there is no such token.
    assert set(costs(*cursor.bans())) == set()
    early = Cursor(masks_of([phrase], tokens))
    early.extend([3])
    # Half of 15 characters are eight: "3 Februa". Behind "3", the first token reads "33 February".
    assert set(costs(*early.bans())) == {4, 6}
    late = Cursor(masks_of([Phrase("Tromsø", beta=0.6)], [b"Trom", b"s\xc3\xb8", b"so", b"s", b"x"]))
    late.extend([0])
    assert set(costs(*late.bans())) == {1, 2, 3}


@pytest.mark.parametrize("between", [b"\xef\xbf\xbd", b"\xff", b"\xc3", b"\xf0\x9f", b"\xe2\x80\x8b", b"\xc2\xad", b"\xcc\xb2"])
@pytest.mark.parametrize("scope", ["always", "gated"])
def test_what_is_no_text_hides_no_name(between: bytes, scope: str) -> None:
    phrases = [Phrase("Yrsa Tholmundardal", scope)]  # type: ignore[arg-type]
    assert met(phrases, [b"Yr" + between + b"sa Tholm" + between + b"undardal"])
    assert met(phrases, [b"Yr", between, b"sa Tholm", between, b"undardal"])
    assert met(phrases, [b"Yr" + between, b"sa Tholm", between + b"undardal"])
    assert not met(phrases, [b"Yr", between, b"sa Tholm", between, b"undarda"])
