"""Counts by name: how many tokens the guard suppressed in each request that has a name for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

CAPACITY = 1 << 16
"""The most names with a count. If there are more, the oldest are dropped, whose counts nothing has taken."""


class Counts:
    """Counts by name, for at most `capacity` names.

    Attributes:
        settle: Called before counts are taken, to add what is known so far.
    """

    def __init__(self, settle: Callable[[], None] | None = None, capacity: int = CAPACITY) -> None:
        self.settle = settle
        self._capacity = capacity
        self._counts: dict[str, int] = {}

    def begin(self, name: str) -> None:
        """Begin to count under a name. A request that returns after preemption continues its own count."""
        if name not in self._counts and len(self._counts) >= self._capacity:
            del self._counts[next(iter(self._counts))]
        self._counts.setdefault(name, 0)

    def add(self, name: str) -> None:
        """Count one token. Nothing is counted under a name whose count was taken: a request may do one more step after that."""
        if name in self._counts:
            self._counts[name] += 1

    def total(self) -> int:
        """Return how many tokens were suppressed under all names since the last call, and count from 0 again."""
        if self.settle:
            self.settle()
        found = sum(self._counts.values())
        self._counts = dict.fromkeys(self._counts, 0)
        return found

    def take(self, names: Iterable[str]) -> dict[str, int]:
        """Return and forget the counts of those `names` that have one."""
        if self.settle:
            self.settle()
        return {name: self._counts.pop(name) for name in dict.fromkeys(names) if name in self._counts}
