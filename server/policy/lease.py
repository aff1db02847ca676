"""The lease of this process on the store: while it lasts, the process may answer requests (`server.store.peers`)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from server.store import Database, LeaseLost, Peers

logger = logging.getLogger(__name__)

LEASE_S = 10.0


class Lease:
    """Registers the process `instance` on the store, and renews its lease.

    The process counts the lease on its own monotonic clock, from before it asked for it.
    """

    def __init__(self, database: Database, instance: str) -> None:
        self.instance = instance
        self._database = database
        self._until = 0.0

    @property
    def lasts(self) -> bool:
        """Whether the lease has begun and is not over."""
        return time.monotonic() < self._until

    async def register(self) -> float:
        """Have the other processes wait for this one, and return when its lease ends: give that to `begin`.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        asked = time.monotonic()
        async with self._database.write() as session:
            await Peers().register(session, self.instance, await self._database.now(session), LEASE_S)
        return asked + LEASE_S

    def begin(self, until: float) -> None:
        """Let the lease count: the process enforces what the store asks for."""
        self._until = until

    async def leave(self) -> None:
        """Remove the process from the store. Raises StoreUnavailable."""
        async with self._database.write() as session:
            await Peers().leave(session, self.instance)

    async def keep(self, rejoin: Callable[[], Awaitable[None]]) -> None:
        """Renew the lease for ever. If it is lost, it is over at once; `rejoin` then registers the process again."""
        # Counted from when the lease was asked for: what the process has done since then may have taken most of it.
        wait = self._until - LEASE_S * 3 / 4 - time.monotonic()
        while True:
            await asyncio.sleep(min(max(wait, 0.0), LEASE_S / 4))
            wait = LEASE_S / 4
            asked = time.monotonic()
            try:
                async with self._database.write(urgent=True) as session:
                    await Peers().renew(session, self.instance, await self._database.now(session), LEASE_S)
                self._until = asked + LEASE_S
            except LeaseLost:
                logger.error(
                    "the lease on the store is lost: this process answers nothing until it has taken over the policy again"
                )
                self._until = 0.0
                await rejoin()
            except Exception as error:
                logger.error("the lease on the store could not be renewed: %s", type(error).__name__)
