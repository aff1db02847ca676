"""Parts stay few, no entry is merged often, and a merge that took long loses nothing."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from classifiers.tiers import Tiers, first_to_merge


def test_few_parts_stay() -> None:
    assert first_to_merge([], 2) == 0
    assert first_to_merge([5, 1], 2) == 2


def test_small_ones_are_merged_beside_a_large_one() -> None:
    assert first_to_merge([10_000, 1, 1, 1], 3) == 1
    assert first_to_merge([10_000, 5, 1, 1, 1], 3) == 1
    assert first_to_merge([10_000, 6, 1, 1, 1], 3) == 2
    assert first_to_merge([2, 1, 1], 2) == 0


def tiers(parts: list[list[int]], most: int) -> Tiers[list[int]]:
    return Tiers(parts, len, most)


@given(st.lists(st.integers(1, 50), max_size=300), st.integers(2, 8))
def test_parts_stay_few_and_entries_are_merged_seldom(added: list[int], most: int) -> None:
    parts = tiers([], most)  # an entry is the number of times it has been merged
    for size in added:
        parts = parts.of([*parts, [0] * size])
        merged = parts.to_merge()
        assert bool(merged) == parts.need_merging
        if merged:
            parts = parts.replaced(merged, [times + 1 for part in merged for times in part])
        assert len(parts) <= most
        assert not parts.need_merging
    everything = [times for part in parts for times in part]
    assert len(everything) == sum(added)
    if most == 8 and everything:
        assert max(everything) <= 3 + 8 * math.log2(1 + len(everything))


@given(st.lists(st.lists(st.integers(), max_size=20), max_size=20), st.integers(1, 8))
def test_parts_are_in_order_and_the_smallest_are_merged(parts: list[list[int]], most: int) -> None:
    made = tiers(parts, most)
    sizes = [len(part) for part in made]
    assert sizes == sorted(map(len, parts), reverse=True)
    assert made.to_merge(whole=True) == tuple(made)
    merged = made.to_merge()
    assert merged == tuple(made)[len(made) - len(merged) :]
    assert len(merged) != 1 or len(made) == 1


@given(st.lists(st.sets(st.integers(0, 9)), min_size=1, max_size=12), st.data())
def test_a_part_that_is_gone_meanwhile_is_noticed_and_others_stay(sets: list[set[int]], data: st.DataObject) -> None:
    earlier = tiers([sorted(entries) for entries in sets], 3)
    merged = earlier.to_merge(whole=data.draw(st.booleans()))
    gone = data.draw(st.sampled_from(list(earlier)))
    fresh = [99]
    # Equal parts are different ones: the new state holds a copy of the one that went away.
    later = earlier.of([*(part for part in earlier if part is not gone), list(gone), fresh])
    assert earlier.holds(merged)
    assert later.holds(merged) == (not any(part is gone for part in merged))
    one = sorted(entry for part in merged for entry in part)
    replaced = later.replaced(merged, one)
    kept = [part for part in later if not any(part is old for old in merged)]
    assert len(replaced) == len(kept) + 1
    assert replaced.holds([*kept, one])
    assert replaced.holds([fresh])
