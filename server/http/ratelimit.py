"""Limits how many requests a key may make, with a token bucket per key.

A bucket holds at most `burst` tokens and gains `rate` tokens per minute. A request takes one token (RFC 2697, section 3, with
requests in place of bytes). Each process has its own buckets, so N processes together allow N times the limit.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from server.errors import RateLimited


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

    def take(self, key_id: str, rate_per_minute: int, burst: int | None = None) -> None:
        """Take one token from the bucket of `key_id`.

        Args:
            key_id: the key's id.
            rate_per_minute: how many tokens the bucket gains per minute.
            burst: how many tokens the bucket holds at most; as many as `rate_per_minute` if None.

        Raises:
            RateLimited: the bucket has no token; `Retry-After` has the whole seconds until it has one.
        """
        size = float(burst or rate_per_minute)
        now = self._clock()
        tokens, before = self._buckets.pop(key_id, (size, now))
        # If the clock went back, the bucket gains nothing and counts from the new time: no key waits for the clock to catch up.
        tokens = min(size, tokens + max(0.0, now - before) * rate_per_minute / 60)
        enough = tokens >= 1
        self._buckets[key_id] = (tokens - 1 if enough else tokens, now)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        if not enough:
            seconds = max(1, math.ceil((1 - tokens) * 60 / rate_per_minute))
            raise RateLimited(
                f"This key may make {rate_per_minute} requests per minute. Try again in {seconds} s.",
                headers={"Retry-After": str(seconds)},
            )
