"""Bans: token ids that must not be sampled or that cost a penalty, and a bounded cache of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Penalties = NDArray[np.float32]
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, eq=False, slots=True)
class Ban:
    """Token ids that are banned or penalised.

    Attributes:
        ids: int64 [n]; these must not be sampled.
        soft: int64 [m]; from the logits of these, `penalties` are subtracted.
        penalties: float32 [m], finite.
    """

    ids: Ids
    soft: Ids
    penalties: Penalties

    @classmethod
    def of(cls, ids: Ids, penalties: Penalties) -> Ban:
        """Build a ban from `ids`, int64 [n], with their `penalties`, float32 [n]. Of a repeated id the highest penalty counts."""
        if len(ids) > 1:
            order = np.lexsort((-penalties, ids))
            ids, penalties = ids[order], penalties[order]
            first = np.ones(len(ids), np.bool_)
            first[1:] = ids[1:] != ids[:-1]
            ids, penalties = ids[first], penalties[first]
        hard = np.isinf(penalties)
        return cls(ids[hard], ids[~hard], penalties[~hard])

    @classmethod
    def none(cls) -> Ban:
        """Return a ban of nothing."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))

    @classmethod
    def merged(cls, parts: list[Ban]) -> Ban:
        """Return the union of `parts`. For each id the highest penalty counts, not the sum."""
        ids = np.concatenate([array for ban in parts for array in (ban.ids, ban.soft)])
        worst = [array for ban in parts for array in (np.full(len(ban.ids), np.inf, np.float32), ban.penalties)]
        return cls.of(ids, np.concatenate(worst))

    def without(self, ids: Ids) -> Ban:
        """Return this ban without `ids`, int64 [n]."""
        kept = ~np.isin(self.soft, ids)
        return Ban(self.ids[~np.isin(self.ids, ids)], self.soft[kept], self.penalties[kept])

    def only(self, ids: Ids) -> Ban:
        """Return what this ban has of `ids`, int64 [n]."""
        kept = np.isin(self.soft, ids)
        return Ban(self.ids[np.isin(self.ids, ids)], self.soft[kept], self.penalties[kept])

    def __len__(self) -> int:
        return len(self.ids) + len(self.soft)


ENTRY: Final = 80
"""What an entry of a `BanCache` counts beside its ids. Python and NumPy take some 650 bytes for it, and an id has eight."""


class BanCache(Generic[K]):
    """A cache of bans by key with room for `capacity` ids of eight bytes, but for one entry at least.

    It drops the least recently used.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._held = 0
        self._entries: OrderedDict[K, tuple[Ban, ...]] = OrderedDict()

    def get(self, key: K) -> tuple[Ban, ...] | None:
        """Return the entry of `key`, or None."""
        known = self._entries.get(key)
        if known is not None:
            self._entries.move_to_end(key)
        return known

    def put(self, key: K, bans: tuple[Ban, ...]) -> None:
        """Keep `bans`, and drop the least recently used entries that no longer fit. An entry counts its ids and `ENTRY`."""
        self._entries[key] = bans
        self._held += self._weight(bans)
        while self._held > self._capacity and len(self._entries) > 1:
            _, dropped = self._entries.popitem(last=False)
            self._held -= self._weight(dropped)

    @staticmethod
    def _weight(bans: tuple[Ban, ...]) -> int:
        return ENTRY + sum(len(ban) for ban in bans)

    def __len__(self) -> int:
        return len(self._entries)
