"""When an engine that died is started again: after a wait that doubles each time, and only so often."""

from __future__ import annotations

import asyncio

from server.errors import NotReady

_FIRST_S, _LONGEST_S = 1.0, 60.0
STEADY_S = 600.0
"""Seconds that an engine must have served for earlier deaths to be forgotten."""


class Restarts:
    """Counts the deaths in a row.

    Args:
        most: How often in a row an engine is started again; 0: never.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.done = 0
        """How many restarts in a row there were."""

    def after(self, served_s: float) -> float | None:
        """Return how many seconds to wait before the next start; None if there is to be none.

        Args:
            served_s: How long the engine that died had served; 0 if it did not start.
        """
        if served_s >= STEADY_S:
            self.done = 0
        if self.done >= self.most:
            return None
        self.done += 1
        return min(_FIRST_S * 2.0 ** (self.done - 1), _LONGEST_S)

    def told(self, wait: float) -> str:
        """Return for the log which restart begins after `wait` seconds."""
        return f"{self.done} of {self.most} in a row begins in {wait:g} s; the engine's own log says why it died"


def engine_died() -> NotReady:
    """Return the answer to a request that comes while no engine runs, or whose engine died."""
    return NotReady("The engine died and is being started again. Try again in some seconds.", code="engine_died")


async def first_of(*events: asyncio.Event, seconds: float | None = None) -> bool:
    """Wait for the first of some events, at most `seconds`. Return whether one of them came."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    done, _ = await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    return bool(done)
