"""Admission: how many requests of one client the server works on at once, and how many wait for that.

A client is a key, or an address where there are no keys. So a client that sends more than its share keeps only itself waiting.
Each process counts for itself, so N processes together allow N times the limits.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from server.errors import RateLimited

# The part of the mean that the last request makes up, and the longest wait that is told, in seconds.
_NEWEST = 0.1
_LONGEST_S = 60


@dataclass(slots=True)
class _Line:
    """The requests of one client: how many are in progress, and who waits."""

    going: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class Admission:
    """Gives each client at most `at_once` places, and lets at most `waiting` of its requests wait for one."""

    def __init__(self, at_once: int, waiting: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Count with these limits. `clock` returns monotonic seconds."""
        self._at_once = at_once
        self._most_waiting = waiting
        self._clock = clock
        self._lines: dict[str, _Line] = {}
        self._mean_s = 0.0

    @asynccontextmanager
    async def place(self, client: str) -> AsyncIterator[None]:
        """Hold one of the client's places during the block. The requests of a client get them in order.

        Raises:
            RateLimited: The client has `waiting` requests that wait already. `Retry-After` has the whole seconds in which one of
                its places is likely to become free.
        """
        line = self._lines.setdefault(client, _Line())
        if line.going < self._at_once:
            line.going += 1
        else:
            await self._wait(client, line)
        started = self._clock()
        try:
            yield
        finally:
            self._mean_s += _NEWEST * (self._clock() - started - self._mean_s)
            self._leave(client, line)

    async def _wait(self, client: str, line: _Line) -> None:
        if len(line.waiting) >= self._most_waiting:
            seconds = self._retry_after(len(line.waiting))
            raise RateLimited(
                f"This client has {self._at_once} requests in progress and {len(line.waiting)} that wait, the most that this "
                f"server accepts. Try again in {seconds} s.",
                code="too_many_requests",
                headers={"Retry-After": str(seconds)},
            )
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # The place came together with the cancellation: the next one gets it.
                self._leave(client, line)
            else:
                line.waiting.remove(turn)
            raise

    def _leave(self, client: str, line: _Line) -> None:
        self._pass_on(line)
        if not line.going:
            del self._lines[client]

    def _pass_on(self, line: _Line) -> None:
        """Give a place to the request that has waited longest; count it as free if none waits."""
        while line.waiting:
            turn = line.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        line.going -= 1

    def _retry_after(self, waiting: int) -> int:
        """Return the seconds in which the last of `waiting` requests is likely to have a place, 1 to `_LONGEST_S`."""
        return min(_LONGEST_S, max(1, math.ceil(self._mean_s * (1 + waiting) / self._at_once)))
