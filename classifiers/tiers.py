"""Tiers: the parts of a growing collection, kept few by merging the smallest ones first.

Searching costs time for each part, and merging costs time for each entry. The logarithmic method (Bentley and Saxe, "Decomposable
searching problems I", J. Algorithms 1, 1980; LSM trees use it too) balances the two: it merges each entry about log2(n) times
while n entries are added, and leaves a large part alone until half as many entries have been added beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

Part = TypeVar("Part")


def first_to_merge(sizes: Sequence[int], most: int) -> int:
    """Return the index from which on the parts should be merged into one.

    The last two parts are merged, and each part before them that is less than twice as large as all parts after it together.

    Args:
        sizes: The number of entries of each part, largest first.
        most: The number of parts up to which nothing is merged; at least one.

    Returns:
        An index into `sizes`; `len(sizes)` if there are at most `most` parts, so that nothing needs to be merged.
    """
    if len(sizes) <= most:
        return len(sizes)
    first = max(0, len(sizes) - 2)
    together = sum(sizes[first:])
    while first and sizes[first - 1] < 2 * together:
        first -= 1
        together += sizes[first]
    return first


class Tiers(Generic[Part]):
    """Parts in descending order of their sizes. Immutable; parts are compared by identity.

    Merging may take long, so it has three steps: `to_merge` says which parts, the caller makes one part of them, and `replaced`
    exchanges them, in a later state of the collection if it has changed meanwhile.
    """

    def __init__(self, parts: Iterable[Part], size: Callable[[Part], int], most: int) -> None:
        """Sort the parts.

        Args:
            parts: In any order.
            size: Returns the number of entries of a part.
            most: The number of parts above which some should be merged.
        """
        self._parts = tuple(sorted(parts, key=size, reverse=True))
        self._size = size
        self._most = most

    def __iter__(self) -> Iterator[Part]:
        return iter(self._parts)

    def __len__(self) -> int:
        """The number of parts."""
        return len(self._parts)

    @property
    def need_merging(self) -> bool:
        """Whether there are more parts than there should be."""
        return len(self._parts) > self._most

    def to_merge(self, whole: bool = False) -> tuple[Part, ...]:
        """Return the parts that should be merged into one: all of them if `whole`, none if there are few enough."""
        return self._parts[0 if whole else first_to_merge([self._size(part) for part in self._parts], self._most) :]

    def of(self, parts: Iterable[Part]) -> Tiers[Part]:
        """Return tiers of other parts with the same measure of size and the same bound."""
        return Tiers(parts, self._size, self._most)

    def holds(self, parts: Collection[Part]) -> bool:
        """Return whether all of `parts` are still here."""
        here = {id(part) for part in self._parts}
        return all(id(part) in here for part in parts)

    def replaced(self, parts: Collection[Part], merged: Part) -> Tiers[Part]:
        """Return tiers with `merged` in place of those of `parts` that are here."""
        gone = {id(part) for part in parts}
        return self.of([*(part for part in self._parts if id(part) not in gone), merged])
