"""Lanes: sequences side by side in arrays step as their cursors would by themselves."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.ban import Ban
from guard.decoding.cursor import Cursor
from guard.decoding.lane import Lane
from guard.decoding.masks import Masks
from guard.decoding.row import Row
from guard.phrase import Phrase
from guard.restriction import Restriction
from guard.tokens.vocabulary import Vocabulary
from tests.guard import strategies
from tests.guard.bans import costs

# Token id:  0      1         2       3
TOKENS = [b" mad", b" hatter", b" tea", b"x"]


def masks_of(phrases: list[Phrase], tokens: list[bytes | None]) -> Masks:
    return Masks.of(Restriction.compile(phrases), Vocabulary.of(tokens))


def lane_of(masks: Masks, count: int) -> tuple[Lane, list[Row]]:
    rows = [Row([masks], [], []) for _ in range(count)]
    return Lane(masks, [(place, row, 0) for place, row in enumerate(rows)]), rows


def test_a_step_tells_places_and_what_is_banned_there() -> None:
    lane, _ = lane_of(masks_of([Phrase("mad hatter", "gated")], TOKENS), 3)
    found = [(place, costs(ban)) for place, ban in lane.step(np.array([0, 2, 0]))]
    assert [(place, set(bans)) for place, bans in found] == [(0, {1}), (2, {1})]


def test_what_a_token_says_alone_is_banned_always() -> None:
    lane, _ = lane_of(masks_of([Phrase("tea", match="substring")], TOKENS), 1)
    assert set(costs(*lane.always)) == {2}


def test_a_sequence_without_a_token_stays_where_it_is() -> None:
    lane, rows = lane_of(masks_of([Phrase("mad hatter", "gated")], TOKENS), 1)
    list(lane.step(np.array([0])))
    assert list(lane.step(np.array([-1]))) == []
    lane.store(0)
    assert set(costs(*rows[0].cursors[0].bans())) == {1}


def test_a_state_goes_back_to_its_cursor_and_is_taken_over_again() -> None:
    lane, rows = lane_of(masks_of([Phrase("mad hatter tea", "gated")], TOKENS), 2)
    list(lane.step(np.array([0, 3])))
    lane.store(0)
    rows[0].cursors[0].extend([1])
    lane.load(0)
    found = list(lane.step(np.array([2, 3])))
    assert found == []  # " tea" was said: the phrase is complete, and nothing is left to ban
    lane.store(0)
    alone = Cursor(masks_of([Phrase("mad hatter tea", "gated")], TOKENS))
    alone.extend([0, 1, 2])
    assert rows[0].cursors[0].node == alone.node


@settings(max_examples=100, deadline=None)
@given(strategies.phrases, strategies.vocabularies(), st.data())
def test_a_lane_bans_what_each_cursor_would_ban(phrases: list[Phrase], tokens: list[bytes | None], data: st.DataObject) -> None:
    masks = masks_of(phrases, tokens)
    whole = [token for token in range(len(tokens)) if masks.vocabulary.whole[token]]
    count = data.draw(st.integers(1, 3))
    lane, _ = lane_of(masks, count)
    alone = [Cursor(masks) for _ in range(count)]
    for _ in range(data.draw(st.integers(1, 6))):
        step = data.draw(st.lists(st.sampled_from(whole), min_size=count, max_size=count))
        found: list[list[Ban]] = [list(lane.always) for _ in range(count)]
        for place, ban in lane.step(np.array(step)):
            found[place].append(ban)
        for cursor, token, bans in zip(alone, step, found, strict=True):
            cursor.extend([token])
            assert costs(*bans) == costs(*cursor.bans())
