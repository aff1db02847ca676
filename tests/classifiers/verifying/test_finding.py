"""Findings, and how overlapping ones become one."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from classifiers.verifying.finding import Finding, merged

findings = st.lists(
    st.builds(
        lambda start, size, kind, owner: Finding(start, start + size, kind, owner),
        st.integers(0, 30),
        st.integers(1, 8),
        st.sampled_from(["exact", "disguised", "name", "fact"]),
        st.sampled_from([None, "a", "b"]),
    ),
    max_size=8,
)


@given(findings)
def test_merged_findings_cover_the_same_characters_without_overlaps(found: list[Finding]) -> None:
    after = merged(found)
    assert {at for one in found for at in range(one.start, one.end)} == {at for one in after for at in range(one.start, one.end)}
    assert all(one.end <= other.start for one, other in pairwise(after))


def test_neighbours_that_only_touch_stay_two() -> None:
    found = [Finding(0, 4, "exact", "a"), Finding(4, 8, "name", "b")]
    assert merged(found) == found


def test_the_most_certain_kind_and_a_known_target_remain() -> None:
    assert merged([Finding(5, 9, "fact", "a"), Finding(0, 6, "exact")]) == [Finding(0, 9, "exact", "a")]
    assert merged([Finding(0, 9, "name", "b"), Finding(2, 6, "exact", "a")]) == [Finding(0, 9, "exact", "a")]
