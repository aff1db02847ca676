"""The cursor: what it bans after a prompt and after what was sampled, checked by hand and against the slow reference."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from guard.decoding.cursor import Cursor
from guard.decoding.masks import Masks
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


def test_a_cursor_without_compact_phrases_or_anchors_keeps_no_state_for_them() -> None:
    cursor = Cursor(masks_of([Phrase("tea")], [b" tea"]))
    assert (cursor.compact, cursor.semantic) == (None, None)


def test_half_a_character_is_held_until_it_is_whole() -> None:
    cursor = Cursor(masks_of([Phrase("é", "gated", "substring", force=True)], [b"\xc3", b"\xa9", b"x"]))
    cursor.extend([0])
    assert cursor.pending == b"\xc3"
    # The fold of "é" is "e".
    assert costs(*cursor.bans()) == {1: float("inf")}
    cursor.extend([1])
    assert cursor.pending == b""
