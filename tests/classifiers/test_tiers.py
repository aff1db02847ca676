"""Parts stay few, and no entry is merged often."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from classifiers.tiers import crowded


def test_few_parts_stay() -> None:
    assert crowded([], 2) == 0
    assert crowded([5, 1], 2) == 2


def test_small_ones_are_merged_beside_a_large_one() -> None:
    assert crowded([10_000, 1, 1, 1], 3) == 1
    assert crowded([10_000, 5, 1, 1, 1], 3) == 1
    assert crowded([10_000, 6, 1, 1, 1], 3) == 2
    assert crowded([2, 1, 1], 2) == 0


@given(st.lists(st.integers(1, 50), max_size=300), st.integers(2, 8))
def test_parts_stay_few_and_entries_are_merged_seldom(added: list[int], most: int) -> None:
    parts: list[list[int]] = []  # how often each entry has been merged
    for size in added:
        parts = sorted([*parts, [0] * size], key=len, reverse=True)
        first = crowded([len(part) for part in parts], most)
        if first < len(parts):
            parts[first:] = [[times + 1 for part in parts[first:] for times in part]]
        assert len(parts) <= most
    everything = [times for part in parts for times in part]
    assert len(everything) == sum(added)
    if most == 8 and everything:
        assert max(everything) <= 3 + 8 * math.log2(1 + len(everything))
