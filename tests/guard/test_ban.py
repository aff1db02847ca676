"""Bans against dictionaries of the highest penalties, and the bounded store against a slow one."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.ban import ENTRY, Ban, BanCache
from tests.guard.bans import costs

PAIRS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from([1.0, 2.5, math.inf])), max_size=8)


def ban(pairs: list[tuple[int, float]]) -> Ban:
    return Ban.of(np.array([token for token, _ in pairs], np.int64), np.array([penalty for _, penalty in pairs], np.float32))


def highest(pairs: list[tuple[int, float]]) -> dict[int, float]:
    return {token: max(penalty for other, penalty in pairs if other == token) for token, _ in pairs}


@settings(deadline=None)
@given(PAIRS)
def test_the_highest_penalty_of_a_repeated_id_counts(pairs: list[tuple[int, float]]) -> None:
    made = ban(pairs)
    assert costs(made) == highest(pairs)
    assert len(made) == len(highest(pairs))  # each id once


@settings(deadline=None)
@given(PAIRS)
def test_infinite_penalties_are_bans_and_finite_ones_are_not(pairs: list[tuple[int, float]]) -> None:
    made = ban(pairs)
    assert set(made.ids.tolist()) == {token for token, penalty in highest(pairs).items() if penalty == math.inf}
    assert np.isfinite(made.penalties).all()


def test_types() -> None:
    made = ban([(3, 1.0), (4, math.inf)])
    assert (made.ids.dtype, made.soft.dtype, made.penalties.dtype) == (np.int64, np.int64, np.float32)


@settings(deadline=None)
@given(st.lists(PAIRS, min_size=1, max_size=4))
def test_merged_is_the_ban_of_all_pairs(parts: list[list[tuple[int, float]]]) -> None:
    assert costs(Ban.merged([ban(part) for part in parts])) == highest([pair for part in parts for pair in part])


@settings(deadline=None)
@given(PAIRS, st.lists(st.integers(0, 5)))
def test_without_some_ids(pairs: list[tuple[int, float]], ids: list[int]) -> None:
    left = {token: penalty for token, penalty in highest(pairs).items() if token not in ids}
    assert costs(ban(pairs).without(np.array(ids, np.int64))) == left


def of_size(size: int) -> tuple[Ban, ...]:
    return (ban([(token, math.inf) for token in range(size)]),)


def test_the_cache_returns_what_was_put() -> None:
    cache: BanCache[str] = BanCache(ENTRY + 20)
    bans = of_size(3)
    cache.put("a", bans)
    assert cache.get("a") is bans
    assert cache.get("b") is None


def test_the_least_recently_used_entry_is_dropped_first() -> None:
    cache: BanCache[str] = BanCache(2 * (ENTRY + 3))
    for key in "ab":
        cache.put(key, of_size(3))
    cache.get("a")
    cache.put("c", of_size(3))
    assert [cache.get(key) is not None for key in "abc"] == [True, False, True]


def test_an_entry_larger_than_the_capacity_is_held_alone() -> None:
    cache: BanCache[str] = BanCache(ENTRY + 2)
    cache.put("small", of_size(0))
    cache.put("large", of_size(50))
    assert [cache.get(key) is not None for key in ("small", "large")] == [False, True]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 9)), max_size=30))
def test_the_cache_holds_the_most_recent_entries_that_fit(asked: list[tuple[str, int]]) -> None:
    cache: BanCache[str] = BanCache(3 * ENTRY + 16)
    slow: list[tuple[str, int]] = []  # least recently used first
    for key, size in asked:
        known = next((entry for entry in slow if entry[0] == key), None)
        assert (cache.get(key) is None) == (known is None)
        if known is not None:
            slow.remove(known)
            slow.append(known)
            continue
        cache.put(key, of_size(size))
        slow.append((key, size))
        while sum(ENTRY + size for _, size in slow) > 3 * ENTRY + 16 and len(slow) > 1:
            del slow[0]
    assert len(cache) == len(slow)
