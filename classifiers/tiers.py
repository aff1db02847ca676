"""Tiers: what of a list that grows is merged with what, so that there are few parts and nothing is merged often."""

from __future__ import annotations

from collections.abc import Sequence


def crowded(sizes: Sequence[int], most: int) -> int:
    """Return the place from which on parts are to be merged into one; all of them stay (`len(sizes)`) where they are at most
    `most`.

    `sizes` are the parts' numbers of entries, largest first. The smallest are merged, and those before them as long as they are
    not twice as large: so an entry is merged about log2(n) times while n are added (the logarithmic method, Bentley and Saxe,
    J. Algorithms 1980), and a large part is left alone until half as many have come.
    """
    if len(sizes) <= most:
        return len(sizes)
    first = max(0, len(sizes) - 2)
    together = sum(sizes[first:])
    while first and sizes[first - 1] < 2 * together:
        first -= 1
        together += sizes[first]
    return first
