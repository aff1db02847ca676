"""The vocabulary's arrays against their definitions, token by token."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.ban import Ban
from guard.folding import StreamFolder
from guard.tokens.vocabulary import Vocabulary, incomplete_tail
from tests.guard import strategies

TOKENS = st.one_of(strategies.vocabularies(), st.lists(st.one_of(st.none(), st.binary(max_size=4)), max_size=20))


@settings(max_examples=200, deadline=None)
@given(TOKENS)
def test_the_arrays_are_what_they_are_said_to_be(tokens: list[bytes | None]) -> None:
    vocabulary = Vocabulary.of(tokens)
    raw = [token or b"" for token in tokens]
    folded = [StreamFolder().feed(token) for token in raw]
    order = sorted(range(len(folded)), key=folded.__getitem__)
    assert list(vocabulary.raw) == raw
    assert list(vocabulary.folded) == folded
    assert vocabulary.order.tolist() == order
    assert bytes(vocabulary.text) == b"".join(folded[t] for t in order)
    edges = vocabulary.start.tolist()
    assert [bytes(vocabulary.text[a:b]) for a, b in pairwise(edges)] == [folded[t] for t in order]
    assert vocabulary.special == {t for t, token in enumerate(tokens) if token is None}
    assert vocabulary.empty == folded.count(b"")
    assert vocabulary.dotted == vocabulary.empty + sum(token.startswith(b" ") for token in folded)


@settings(max_examples=200, deadline=None)
@given(TOKENS)
def test_tokens_that_are_cut_inside_a_character(tokens: list[bytes | None]) -> None:
    vocabulary = Vocabulary.of(tokens)
    continuing = {t for t, raw in enumerate(tokens) if raw and 0x80 <= raw[0] < 0xC0}
    assert set(vocabulary.continuing.tolist()) == continuing
    assert vocabulary.cut == continuing | {t for t, raw in enumerate(tokens) if raw and incomplete_tail(raw)}


def test_a_size_pads_and_cuts() -> None:
    tokens = [b"a", None, b"b"]
    assert list(Vocabulary.of(tokens, 5).raw) == [b"a", b"", b"b", b"", b""]
    assert list(Vocabulary.of(tokens, 2).raw) == [b"a", b""]
    assert Vocabulary.of(tokens, 5).special == {1}
    assert Vocabulary.of(tokens, 1).special == frozenset()


def test_the_tail_is_long_enough_and_ends_at_a_special_token() -> None:
    vocabulary = Vocabulary.of([None, b" mad", b" ", b"hatter"])
    assert vocabulary.tail([1, 0, 1, 2, 3], 100) == ([1, 2, 3], True)
    assert vocabulary.tail([1, 2, 2, 3], 6) == ([3], False)
    assert vocabulary.tail([1, 2, 2, 3], 7) == ([1, 2, 2, 3], True)
    assert vocabulary.tail([9, -1, 3], 9) == ([9, -1, 3], True)
    assert vocabulary.tail([], 9) == ([], True)


def test_f1_a_prompt_is_read_without_its_special_tokens_and_with_spaces_for_them() -> None:
    vocabulary = Vocabulary.of([None, b" mad", b" ", b"hatter", None])
    assert vocabulary.joined([0, 1, 4, 3]) == [[1, 3], [1, 2, 3]]
    assert vocabulary.joined([1, 0]) == [[1], [1, 2]]
    # Those at the beginning separate nothing.
    for ids in ([0, 4, 1, 3], [1, 3], [0], []):
        assert vocabulary.joined(ids) == []
    assert Vocabulary.of([None, b"a"]).joined([1, 0, 1]) == [[1, 1]]


def test_the_texts_of_a_ban_are_in_the_order_of_their_ids() -> None:
    vocabulary = Vocabulary.of([b"Mad", b" Hatter", b"", b"tea"])
    ids, text, start = vocabulary.texts(Ban.of(np.array([3, 0, 1]), np.array([np.inf, 2, np.inf], np.float32)))
    assert ids.tolist() == [0, 1, 3]
    assert [text[first:last].tobytes() for first, last in pairwise(start)] == [b"mad", b" hatter", b"tea"]
