"""Limits how many requests a key may make, with a token bucket per key.

A bucket holds at most `burst` tokens and gains `rate` tokens per minute. A request takes one token (RFC 2697, section 3, with
requests in place of bytes), or one per text where it asks about several. Each process has its own buckets. Processes that share a
store bring theirs together each second (`server.quotas`): `taken` and `settle` are for that.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

from server.errors import RateLimited
from server.store.quotas import Use


class RateLimiter:
    """The buckets of all keys.

    Args:
        clock: returns monotonic seconds.
        most: how many buckets are kept. With more keys, the least recently used bucket is dropped, and its key starts again
            with a full one. Only admins make keys, so a client cannot fill the table.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = 10_000) -> None:
        self._clock = clock
        self._most = most
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._uses: dict[str, Use] = {}

    def take(self, key_id: str, rate_per_minute: int, burst: int | None = None, count: int = 1, what: str = "requests") -> None:
        """Take tokens from the bucket of `key_id`.

        Args:
            key_id: the key's id.
            rate_per_minute: how many tokens the bucket gains per minute.
            burst: how many tokens the bucket holds at most; as many as `rate_per_minute` if None.
            count: how many tokens are taken. If the bucket never holds as many, a full one lends them.
            what: what the tokens are for, in the error's message.

        Raises:
            RateLimited: the bucket has too few tokens; `Retry-After` has the whole seconds until it has enough.
        """
        size, tokens = self._tokens(key_id, rate_per_minute, burst)
        needed = min(float(count), size)
        enough = tokens >= needed
        self._keep(key_id, tokens - count if enough else tokens)
        self._use(key_id, count if enough else 0, rate_per_minute, size)
        if not enough:
            raise _limited(rate_per_minute, what, needed - tokens)

    def check(self, key_id: str, rate_per_minute: int, what: str) -> None:
        """Take nothing, and raise what `take` raises if the bucket has no token."""
        size, tokens = self._tokens(key_id, rate_per_minute)
        self._keep(key_id, tokens)
        self._use(key_id, 0, rate_per_minute, size)
        if tokens < 1:
            raise _limited(rate_per_minute, what, 1 - tokens)

    def note(self, key_id: str, rate_per_minute: int) -> None:
        """Take a token for what has been done already, whether or not the bucket has one."""
        size, tokens = self._tokens(key_id, rate_per_minute)
        self._keep(key_id, tokens - 1)
        self._use(key_id, 1, rate_per_minute, size)

    def taken(self) -> dict[str, Use]:
        """Return what was taken since the last call, for each bucket that was looked at, and forget it."""
        uses, self._uses = self._uses, {}
        return uses

    def untold(self, uses: Mapping[str, Use]) -> None:
        """Remember again what `taken` returned: it could not be told to other processes."""
        for key_id, use in uses.items():
            self._use(key_id, use.count, use.rate_per_minute, use.size)

    def settle(self, key_id: str, tokens: float) -> None:
        """Set what a bucket holds: `tokens`, less what was taken since the last `taken`."""
        since = self._uses.get(key_id)
        self._buckets.pop(key_id, None)
        self._keep(key_id, tokens - (since.count if since else 0))

    def _use(self, key_id: str, count: int, rate_per_minute: int, size: float) -> None:
        before = self._uses.pop(key_id, None)
        self._uses[key_id] = Use(count + (before.count if before else 0), rate_per_minute, size)
        if len(self._uses) > self._most:
            del self._uses[next(iter(self._uses))]

    def _tokens(self, key_id: str, rate_per_minute: int, burst: int | None = None) -> tuple[float, float]:
        """Take a bucket out of the table. Return how many tokens it holds at most, and how many it has."""
        size, now = float(burst or rate_per_minute), self._clock()
        tokens, before = self._buckets.pop(key_id, (size, now))
        # If the clock went back, the bucket gains nothing and counts from the new time: no key waits for the clock to catch up.
        return size, min(size, tokens + max(0.0, now - before) * rate_per_minute / 60)

    def _keep(self, key_id: str, tokens: float) -> None:
        self._buckets[key_id] = (tokens, self._clock())
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)


def _limited(rate_per_minute: int, what: str, missing: float) -> RateLimited:
    seconds = max(1, math.ceil(missing * 60 / rate_per_minute))
    return RateLimited(
        f"This key may make {rate_per_minute} {what} per minute. Try again in {seconds} s.",
        headers={"Retry-After": str(seconds)},
    )
