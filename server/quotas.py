"""Limits that hold for all servers on one store together.

No request waits for the store: each server counts in its own memory. Once per second it tells the store what its clients have
taken, and reads what is left of each bucket that they use. So all servers together may grant more than the limit only once: each
at most what its own bucket holds when a second begins. What was granted too much makes the bucket's count negative, and clients
wait until that is made up for: over a longer time the limit is exact.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from server.http.ratelimit import RateLimiter
from server.store import Database, Quotas

INTERVAL_S = 1.0
"""Seconds between two times at which servers tell each other what was taken."""


class SharedQuotas:
    """Brings the buckets of this process together with those of the others on its store.

    Args:
        database: The store.
        limiters: The limiters by a name that is the same in all processes.
    """

    def __init__(self, database: Database, limiters: Mapping[str, RateLimiter]) -> None:
        self._database = database
        self._limiters = limiters

    async def share(self) -> None:
        """Tell what was taken since the last time, and learn what is left.

        Raises:
            StoreError: The store cannot do it now. The next call tells the rest; until then this process counts alone.
        """
        taken = {name: limiter.taken() for name, limiter in self._limiters.items()}
        # A client may be an address: the store need not know it.
        buckets = {_bucket(name, key): (name, key, use) for name, uses in taken.items() for key, use in uses.items()}
        if not buckets:
            return
        try:
            async with self._database.write() as session:
                uses = {bucket: use for bucket, (_, _, use) in buckets.items()}
                left = await Quotas().take(session, uses, await self._database.now(session))
        except BaseException:
            for name, uses_ in taken.items():
                self._limiters[name].untold(uses_)
            raise
        for bucket, tokens in left.items():
            name, key, _ = buckets[bucket]
            self._limiters[name].settle(key, tokens)


def _bucket(name: str, key: str) -> str:
    return hashlib.sha256(f"{name} {key}".encode()).hexdigest()
