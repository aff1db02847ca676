"""Housekeeping: the work that repeats beside requests.

It writes decisions to the audit log, calibrates detection, notes when keys were used, shares limits with other servers, prunes
the audit log, removes server processes that died, and learns how the model writes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from server.http.authentication import Authenticator
from server.policy.enforcement import Enforcement
from server.policy.recalibration import Recalibration
from server.quotas import INTERVAL_S, SharedQuotas
from server.screening.decisionlog import DecisionLog
from server.settings import Settings
from server.store import Database, Peers, Quotas, StoreError
from server.store.audit.log import Audit

logger = logging.getLogger(__name__)

_WRITE_S = 0.5
_KEYS_S = 60.0
_PRUNE_S = 3600.0
_LOOK_S = 1.0
# A process whose lease ended is listed for this long (`GET /v1/policy`), so that an operator sees that it died.
_DEAD_PEERS = timedelta(hours=1)


class Housekeeping:
    """Repeats the work from `start` to `stop`, each part in a task of its own. A part that fails is tried again."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        audit: Audit,
        decisions: DecisionLog,
        authenticator: Authenticator,
        enforcement: Enforcement,
        recalibration: Recalibration,
        learn: Callable[[], Awaitable[None]],
        quotas: SharedQuotas,
    ) -> None:
        """Keep house with these parts. `learn` finds out once how the model writes (`server.answers.fluency`)."""
        self._settings = settings
        self._database = database
        self._audit = audit
        self._decisions = decisions
        self._authenticator = authenticator
        self._enforcement = enforcement
        self._recalibration = recalibration
        self._learn = learn
        self._quotas = quotas
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start the tasks."""
        work: list[tuple[str, float, Callable[[], Awaitable[None]]]] = [
            ("decisions were not recorded yet", _WRITE_S, self._decisions.write),
            ("the use of keys was not noted yet", _KEYS_S, self._authenticator.flush),
            ("the audit log was not pruned", _PRUNE_S, self._prune),
            ("server processes that died were not removed", _PRUNE_S, self._expire),
            ("limits were not shared with other servers", INTERVAL_S, self._share),
            ("it is not known how the model writes", _LOOK_S, self._learn),
            ("detection was not calibrated", _LOOK_S, lambda: self._recalibration.run_once(self._enforcement)),
        ]
        self._tasks = [asyncio.create_task(_every(*one)) for one in work]

    async def stop(self) -> None:
        """Stop the tasks, and write what waits for the store."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for last in (self._decisions.end, self._authenticator.flush):
            try:
                await last()
            except StoreError as error:
                logger.error("decisions or key uses were lost at the end: %s", type(error).__name__)

    async def _prune(self) -> None:
        if self._settings.audit_days is None:
            return
        while True:
            async with self._database.write() as session:
                before = await self._database.now(session) - timedelta(days=self._settings.audit_days)
                if not await self._audit.prune(session, before, "system"):
                    return

    async def _share(self) -> None:
        # Nobody else uses the store in the data folder.
        if self._settings.database:
            await self._quotas.share()

    async def _expire(self) -> None:
        async with self._database.write() as session:
            now = await self._database.now(session)
            await Peers().expire(session, now - _DEAD_PEERS)
            await Quotas().expire(session, now)


async def _every(trouble: str, seconds: float, call: Callable[[], Awaitable[None]]) -> None:
    """Await `call` every `seconds`, for ever. What it raises is logged as `trouble`, once in a row of equal errors."""
    last = None
    while True:
        started = time.monotonic()
        try:
            await call()
            last = None
        except Exception as error:
            if type(error) is not last:
                logger.error("%s: %s", trouble, type(error).__name__)
            last = type(error)
        await asyncio.sleep(max(0.0, seconds - (time.monotonic() - started)))
