"""Parts are in tiers by the number of their targets."""

from __future__ import annotations

from classifiers import ForgetTarget
from server.policy.parts import MOST_PARTS, Part, digests_of, tiers_of


def part(digest: str | None, size: int) -> Part:
    return Part(digest, {f"{digest}{k}": ForgetTarget(id=f"t{k}", name=f"Person Number{k}") for k in range(size)})


def test_a_part_that_bans_nothing_has_no_digest() -> None:
    assert digests_of([part("a", 1), part(None, 2), part("b", 0)]) == {"a", "b"}


def test_the_largest_part_is_first_and_the_smallest_are_merged() -> None:
    parts = [part(f"p{size}", size) for size in (1, 30, 2)]
    assert [one.digest for one in tiers_of(parts)] == ["p30", "p2", "p1"]
    assert not tiers_of(parts).need_merging
    many = tiers_of([parts[1], *(part(f"q{k}", 1) for k in range(MOST_PARTS))])
    assert many.need_merging
    assert parts[1] not in many.to_merge()
