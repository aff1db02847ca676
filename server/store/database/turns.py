"""Turns: the writers of one process take the database one after another."""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """A lock that is given in the order in which it was asked for, and to those first that cannot wait.

    `asyncio.Lock` knows one order only. The renewal of a lease must not wait behind a queue of changes: when the lease ends, the
    process answers nothing.
    """

    def __init__(self) -> None:
        self._taken = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def acquire(self, *, urgent: bool = False) -> None:
        """Wait for a turn, if `urgent` before all who wait already."""
        if not self._taken:
            self._taken = True
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if urgent:
            self._waiting.appendleft(turn)
        else:
            self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            # One who stopped waiting stays in the queue until `release` passes over it: it may have done so already, and what
            # is raised here instead of the cancellation would keep a task alive that is to end.
            if not turn.cancelled():
                # The turn came together with the end of the wait.
                self.release()
            raise

    def release(self) -> None:
        """End a turn. The next one who waits has it at once, so that nobody comes between."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._taken = False
