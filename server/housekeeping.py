"""Housekeeping: what goes on beside requests. Records of decisions, the calibration of detection, keys' last use, retention."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta

from classifiers import Encoder, ForgetTarget, Thresholds
from classifiers.calibration import Calibration
from classifiers.calibrator import Calibrator
from classifiers.ensemble import full_background
from server.authentication import Authenticator
from server.decision import Decision
from server.enforcement import Enforcement
from server.settings import Settings
from server.store import Database, StoreError
from server.store.audit import Audit
from server.store.auditrecord import AuditEvent, decision_event

logger = logging.getLogger(__name__)

_WRITE_S = 0.5
_KEYS_S = 60.0
_PRUNE_S = 3600.0
_LOOK_S = 1.0
# Events that may wait for the store; with more, decisions are not made: what cannot be recorded is not answered.
_MOST_WAITING = 100_000
# Targets whose texts calibrate a group: for more, a sample stands for all. Its size sets how long calibration takes.
_SAMPLE = 200


class DecisionLog:
    """Records decisions in which something was found, many in one transaction, so that requests do not wait for the store."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit
        self._waiting: deque[AuditEvent] = deque()

    @property
    def full(self) -> bool:
        """Whether so much waits for the store that nothing more may be decided."""
        return len(self._waiting) >= _MOST_WAITING

    def note(self, decision: Decision, actor: str, seconds: float, text: str | None = None) -> None:
        """Have a decision recorded soon; `text` is kept only where the log was told to keep texts."""
        if decision.matches:
            self._waiting.append(
                decision_event(
                    actor=actor,
                    decision_id=decision.id,
                    verdict=decision.verdict,
                    scores={match.target_id: round(match.score, 4) for match in decision.matches},
                    snapshot=decision.snapshot,
                    latency_ms=seconds * 1000,
                    text={"prompt": text} if text else None,
                )
            )

    async def write(self) -> None:
        """Write what waits. Raises StoreError; then it waits on."""
        while self._waiting:
            batch = [self._waiting[at] for at in range(min(1000, len(self._waiting)))]
            async with self._database.write() as session:
                await self._audit.append_many(session, batch)
            for _ in batch:
                self._waiting.popleft()


class Recalibration:
    """Keeps the classifier's limits up to date with the targets, in a thread beside serving."""

    def __init__(self, encoder: Encoder, miss_rate: float, thresholds: Thresholds, background: list[str]) -> None:
        self._calibrator = Calibrator(encoder, miss_rate, thresholds) if miss_rate else None
        self._background = full_background(background)
        self._done: object = None
        self.calibration: Calibration | None = None
        """The calibration in use, None before the first."""

    async def run_once(self, enforcement: Enforcement) -> None:
        """Calibrate anew if the targets have changed since the last time."""
        targets = enforcement.snapshot.targets
        if self._calibrator is None or targets is self._done:
            return
        sample = _sample([target for target in targets.values() if target.examples])
        calibration = await asyncio.to_thread(self._calibrator.update, sample, self._background)
        # The group's limit holds for every target in it, those that the sample left out too.
        limit = calibration.groups[0].limit if calibration.groups else 0.0
        await enforcement.limit(dict.fromkeys(targets, limit))
        self._done, self.calibration = targets, calibration


def _sample(targets: list[ForgetTarget]) -> list[ForgetTarget]:
    step = max(1, -(-len(targets) // _SAMPLE))
    return sorted(targets, key=lambda target: target.id)[::step]


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
        for last in (self._decisions.write, self._authenticator.flush):
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
