"""Housekeeping: what goes on beside requests. Writing down decisions, the calibration of detection, keys' last use, retention."""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from classifiers import Encoder, ForgetTarget, Thresholds
from classifiers.calibration import Calibration
from classifiers.calibrator import Calibrator
from classifiers.innocent import Background
from server.authentication import Authenticator
from server.decisionlog import DecisionLog
from server.enforcement import Enforcement
from server.settings import Settings
from server.store import Database, StoreError
from server.store.audit import Audit

logger = logging.getLogger(__name__)

_WRITE_S = 0.5
_KEYS_S = 60.0
_PRUNE_S = 3600.0
_LOOK_S = 1.0
# Calibrating takes the processor from the next change: it begins so long after the last one, or after the first at the latest.
# Until then new targets are found by the thresholds as they are.
_QUIET_S, _LATEST_S = 5.0, 60.0
# Targets whose texts calibrate a group: for more, a sample stands for all. Its size sets how long calibration takes.
_SAMPLE = 200


class Recalibration:
    """Keeps the classifier's limits up to date with the targets, in a thread beside serving."""

    def __init__(self, encoder: Encoder, miss_rate: float, thresholds: Thresholds, background: Background) -> None:
        self._calibrator = Calibrator(encoder, miss_rate, thresholds) if miss_rate else None
        self._background = background
        self._done: object = None
        self._seen: object = None
        self._changed = self._waiting = 0.0
        self._sampled: list[ForgetTarget] = []
        self.calibration: Calibration | None = None
        """The calibration in use, None before the first."""

    async def run_once(self, enforcement: Enforcement) -> None:
        """Calibrate anew if the targets have changed since the last time, and do not change at the moment."""
        targets = enforcement.snapshot.targets
        if self._calibrator is None or targets is self._done:
            return
        now = time.monotonic()
        if targets is not self._seen:
            self._seen, self._changed = targets, now
            self._waiting = self._waiting or now
        if self.calibration and now - self._changed < _QUIET_S and now - self._waiting < _LATEST_S:
            return
        sample = _sample([target for target in targets.values() if target.examples])
        if self.calibration is None or sample != self._sampled:
            self.calibration = await asyncio.to_thread(self._calibrator.update, sample, self._background)
            self._sampled = sample
        # The group's limit holds for every target in it, those that the sample left out too.
        limit = self.calibration.groups[0].limit if self.calibration.groups else 0.0
        await enforcement.limit(dict.fromkeys(targets, limit))
        self._done, self._waiting = targets, 0.0


def _sample(targets: list[ForgetTarget]) -> list[ForgetTarget]:
    # Those with the lowest hashes: as good as drawn by lot, and a target more or less changes one of them at most, so that
    # nearly all of what was computed for the last sample holds for the next.
    lowest = heapq.nsmallest(_SAMPLE, targets, key=lambda target: hashlib.sha256(target.id.encode()).digest())
    return sorted(lowest, key=lambda target: target.id)


class Housekeeping:
    """Runs all of it until stopped."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        audit: Audit,
        decisions: DecisionLog,
        authenticator: Authenticator,
        enforcement: Enforcement,
        recalibration: Recalibration,
    ) -> None:
        self._settings = settings
        self._database = database
        self._audit = audit
        self._decisions = decisions
        self._authenticator = authenticator
        self._enforcement = enforcement
        self._recalibration = recalibration
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        work: list[tuple[str, float, Callable[[], Awaitable[None]]]] = [
            ("decisions were not recorded yet", _WRITE_S, self._decisions.write),
            ("the use of keys was not noted yet", _KEYS_S, self._authenticator.flush),
            ("the audit log was not pruned", _PRUNE_S, self._prune),
            ("detection was not calibrated", _LOOK_S, lambda: self._recalibration.run_once(self._enforcement)),
        ]
        self._tasks = [asyncio.create_task(_every(*one)) for one in work]

    async def stop(self) -> None:
        """End, and write down what waits."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for last in (self._decisions.end, self._authenticator.flush):
            try:
                await last()
            except StoreError as error:
                logger.error("not everything was written down at the end: %s", type(error).__name__)

    async def _prune(self) -> None:
        if self._settings.audit_days is None:
            return
        while True:
            async with self._database.write() as session:
                before = await self._database.now(session) - timedelta(days=self._settings.audit_days)
                if not await self._audit.prune(session, before, "system"):
                    return


async def _every(trouble: str, seconds: float, call: Callable[[], Awaitable[None]]) -> None:
    last = None
    while True:
        started = time.monotonic()
        try:
            await call()
            last = None
        except Exception as error:
            if type(error) is not last:  # told once, not every second
                logger.error("%s: %s", trouble, type(error).__name__)
            last = type(error)
        await asyncio.sleep(max(0.0, seconds - (time.monotonic() - started)))
