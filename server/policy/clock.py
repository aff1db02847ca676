"""Whether the database's time can be believed: what has expired is deleted, and a wrong clock would delete too much."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime

logger = logging.getLogger(__name__)

JUMP_S, WAIT_S = 60.0, 3600.0
"""How much more the database's clock may move than this process's own, in seconds, and how long nothing expires after that."""


class SteadyClock:
    """Compares the database's time with this process's monotonic clock, from one look to the next.

    Args:
        clock: Returns monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: tuple[datetime, float] | None = None
        self._jumped: float | None = None

    def steady(self, now: datetime) -> bool:
        """Return whether the database's time `now` may be acted on: it has not jumped forward for an hour."""
        own = self._clock()
        if self._seen and (now - self._seen[0]).total_seconds() - (own - self._seen[1]) > JUMP_S:
            logger.error("the store's clock jumped forward: no target expires for an hour; set the clock right if it is wrong")
            self._jumped = own
        self._seen = (now, own)
        return self._jumped is None or own - self._jumped >= WAIT_S
