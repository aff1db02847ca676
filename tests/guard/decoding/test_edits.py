"""Edits: the bans of each row as what one step does to the logits."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.ban import Ban
from guard.decoding.edits import Edits, pairs
from tests.guard.bans import costs


def hard(*ids: int) -> Ban:
    return Ban.of(np.array(ids, np.int64), np.full(len(ids), np.inf, np.float32))


def soft(**penalties: float) -> Ban:
    """Penalties by token: t3=2.0 costs token 3 two logits."""
    ids = [int(name[1:]) for name in penalties]
    return Ban.of(np.array(ids, np.int64), np.array(list(penalties.values()), np.float32))


def applied(edits: Edits, rows: int, width: int) -> list[list[float]]:
    """Do what a processor does, to zeros."""
    logits = np.zeros((rows, width), np.float32)
    logits[tuple(edits.banned)] = -np.inf
    np.subtract.at(logits, tuple(edits.soft), edits.penalties)
    return logits.tolist()  # type: ignore[no-any-return]


def test_nothing_found_is_no_edits() -> None:
    edits = Edits.collect({}, [], [])
    assert (edits.banned.shape, edits.soft.shape) == ((2, 0), (2, 0))
    assert not edits.penalties.size
    assert not edits.closed.size
    assert not edits.starving.size


def test_bans_are_pairs_of_row_and_id() -> None:
    assert Edits.collect({2: [hard(5)], 7: [hard(1, 3)]}, [], []).banned.tolist() == [[2, 7, 7], [5, 1, 3]]


def test_further_pairs_come_in_front() -> None:
    further = np.array([[9], [4]])
    assert Edits.collect({2: [hard(5)]}, [], [], [further]).banned.tolist() == [[9, 2], [4, 5]]


def test_the_highest_penalty_counts_not_the_sum() -> None:
    edits = Edits.collect({1: [soft(t3=2), soft(t3=3), hard(4)]}, [], [])
    assert edits.soft.tolist() == [[1], [3]]
    np.testing.assert_array_equal(edits.penalties, np.array([3], np.float32))
    assert edits.banned.tolist() == [[1], [4]]


def test_a_ban_beats_a_penalty() -> None:
    edits = Edits.collect({0: [soft(t3=2), hard(3)]}, [], [])
    assert applied(edits, 1, 6) == [[0, 0, 0, -np.inf, 0, 0]]


def test_closed_and_starving_rows_are_told() -> None:
    edits = Edits.collect({}, [4, 1], [2])
    assert (edits.closed.tolist(), edits.starving.tolist()) == ([4, 1], [2])


BANS = st.lists(
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from([1.0, 2.5, np.inf])), max_size=5).map(
        lambda found: Ban.of(np.array([t for t, _ in found], np.int64), np.array([p for _, p in found], np.float32))
    ),
    max_size=4,
)


@settings(deadline=None)
@given(st.lists(BANS, max_size=3))
def test_each_row_loses_the_highest_penalty_of_each_token(rows: list[list[Ban]]) -> None:
    edits = Edits.collect(dict(enumerate(rows)), [], [])
    expected = [[-(costs(*bans).get(token, 0.0)) for token in range(5)] for bans in rows]
    assert applied(edits, len(rows), 5) == expected


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.lists(st.integers(0, 9), max_size=4)), max_size=5))
def test_pairs(found: list[tuple[int, list[int]]]) -> None:
    made = pairs([(position, np.array(ids, np.int64)) for position, ids in found])
    assert made.dtype == np.int64
    assert made.T.tolist() == [[position, token] for position, ids in found for token in ids]
