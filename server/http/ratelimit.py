"""How many requests a key may make: a token bucket each.

A bucket holds up to `burst` tokens and gains `rate` a minute; a request takes one (token buckets as in RFC 2697, section 3, of
requests in place of bytes). The buckets are this process's own: several processes allow a key that many each.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from server.errors import RateLimited


class RateLimiter:
    """Buckets by key. `clock` gives seconds and should not be set by people; `most` is how many buckets are kept.

    Of more keys than that the one unused for longest begins anew with a full bucket. Keys are made by admins, so nobody fills
    this from outside.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = 10_000) -> None:
        self._clock = clock
        self._most = most
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key_id: str, rate_per_minute: int, burst: int | None = None) -> None:
        """Take a token of this key's bucket, of `burst` tokens at most (None: as many as the rate).

        Raises RateLimited with the whole seconds until there is a token, rounded up, and takes nothing then.
        """
        size = float(burst or rate_per_minute)
        now = self._clock()
        tokens, before = self._buckets.pop(key_id, (size, now))
        # A clock that went back adds nothing, and from then on counts from there: nobody waits for it to catch up.
        tokens = min(size, tokens + max(0.0, now - before) * rate_per_minute / 60)
        enough = tokens >= 1
        self._buckets[key_id] = (tokens - 1 if enough else tokens, now)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        if not enough:
            seconds = max(1, math.ceil((1 - tokens) * 60 / rate_per_minute))
            raise RateLimited(
                f"This key may make {rate_per_minute} requests a minute. Try again in {seconds} s.",
                headers={"Retry-After": str(seconds)},
            )
