"""Activation: this process and every other one on the store enforce a change before the client gets the answer."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

from classifiers.meaning.nearest import example_vectors
from server.errors import EngineFailure, NotReady
from server.policy.clock import SteadyClock
from server.policy.enforcement import Enforcement
from server.policy.lease import LEASE_S, Lease
from server.policy.parts import Prepared
from server.policy.vectors import embed, embedded
from server.policy.wanted import Wanted
from server.store import (
    Compiled,
    Database,
    Notifier,
    Peers,
    SnapshotConflict,
    Snapshots,
    StoredTarget,
    StoreError,
    Targets,
)
from server.store.audit.log import Audit
from server.store.audit.record import AuditEvent

logger = logging.getLogger(__name__)

SYSTEM = "system"
RETRY_S = 2.0
_LOOK_S = 0.02
_OVERTAKEN_AT_MOST = 5
# The targets' own histories list all of them.
_IDS_IN_AUDIT = 100


class NotEnforced(NotReady):
    """A change is stored and not enforced everywhere yet: the old policy stays in force, and the server tries again."""


@dataclass(frozen=True, slots=True)
class _Takeover:
    """What the workers are ready for.

    `prepared` is None if only the snapshot's number changes. `compiled` is for the store, by target id and version.
    """

    prepared: Prepared | None
    compiled: Mapping[tuple[str, int], Compiled]


class Activation:
    """Brings the store's targets into force.

    A round reads what is wanted, has the engine's workers and the classifier take over what differs, gives that the next
    snapshot number, and waits until every other process on the store has done the same. Only then are targets marked active. A
    change that is stored during a round is part of the next round. A process without a lease answers nothing.
    """

    def __init__(
        self, database: Database, notifier: Notifier, enforcement: Enforcement, instance: str, *, timeout_s: float, audit: Audit
    ) -> None:
        self.enforcement = enforcement
        self.lease = Lease(database, instance)
        self._database = database
        self._notifier = notifier
        self._timeout_s = timeout_s
        self._audit = audit
        self._targets, self._snapshots, self._peers = Targets(), Snapshots(), Peers()
        self._enforced: dict[str, int] = {}
        # Targets that this process enforces at a version that it has not seen confirmed.
        self._unconfirmed: set[str] = set()
        self._acknowledged = 0
        self._proposed = 0
        # A round and the takeover of another process's snapshot take turns.
        self._turn = asyncio.Lock()
        self._clock = SteadyClock()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def serving(self) -> bool:
        """Whether this process may answer: it enforces the latest snapshot, and its lease lasts."""
        return bool(self._tasks) and self.lease.lasts

    async def wanted(self, everything: bool = False) -> Wanted:
        """Read what the store asks for: of all targets if `everything`, else of those that no snapshot has settled.

        This process enforces what is settled: no snapshot is confirmed before the process has acknowledged it, unless its lease
        is lost.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        async with self._database.read() as session:
            found = await Wanted.read(session, self._enforced, self._unconfirmed, everything)
        self._unconfirmed -= found.confirmed
        return found

    async def start(self, versions: Mapping[str, int]) -> None:
        """Put in force what `Enforcement.start` was given, and follow the store from now on.

        Args:
            versions: the version of each target that `Enforcement.start` was given, by id.

        Raises:
            NotEnforced: what the store asks for is not enforced everywhere in time.
            StoreError: the store does not answer.
        """
        self._enforced = dict(versions)
        self.enforcement.commit_start(0)
        async with self._turn:
            await self._join()
        self._tasks = [asyncio.create_task(task) for task in (self.lease.keep(self._rejoin), self._follow(), self._retry())]
        await self.activate()

    async def stop(self) -> None:
        """Stop following the store, and leave it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self.enforcement.stop()
        await self.lease.leave()

    async def activate(self) -> int:
        """Enforce everywhere what was stored before this call, and return the number of a snapshot that has it.

        Raises:
            NotEnforced: a worker or another process did not acknowledge in time. What was stored stays pending, the policy
                before it stays in force, and the server tries again.
        """
        try:
            async with self._turn:
                return await self._round()
        except Exception as error:
            # The messages of these two errors hold nothing of a target's content.
            told = error if isinstance(error, (EngineFailure, StoreError)) else type(error).__name__
            logger.error("a change is not enforced yet: %s", told)
            raise NotEnforced(
                "The change is stored, but not enforced everywhere yet: it is pending and will be tried again.",
                code="pending",
                headers={"Retry-After": str(math.ceil(RETRY_S))},
            ) from error

    async def _round(self) -> int:
        for _ in range(_OVERTAKEN_AT_MOST):
            wanted = await self.wanted()
            if wanted.settled and not wanted.differing:
                return self._acknowledged
            async with self._taking_over(wanted) as takeover:
                async with self._database.write() as session:
                    latest = await self._snapshots.latest(session)
                    # A process that acknowledges a number must have what every lower number asked for. What it read before
                    # another process's proposal may lack that.
                    if (latest.number if latest else 0) != wanted.latest:
                        continue
                    await self._targets.set_compiled(session, takeover.compiled)
                    number = (await self._snapshots.propose(session, wanted.digest)).number
                self._proposed = number
                # The other processes prepare meanwhile.
                await self._notifier.notify(f"snapshot {number}")
                self._commit(takeover, wanted, number)
            await self.enforcement.drop_unused()
            try:
                await self._confirm(number, wanted)
                return number
            except SnapshotConflict:
                continue  # a later snapshot of another process was confirmed first; it may hold this one
        raise SnapshotConflict(self._acknowledged, "was overtaken again and again")

    @asynccontextmanager
    async def _taking_over(self, wanted: Wanted) -> AsyncIterator[_Takeover]:
        """Make the workers ready for what is wanted. Call `_commit` inside to put it in force."""
        gone = self._enforced.keys() - wanted.versions.keys()
        if not wanted.differing and not gone:
            yield _Takeover(None, {})
            return
        encoder = self.enforcement.encoder
        kept = await asyncio.to_thread(embedded, wanted.differing, encoder)
        unread = [stored for stored in wanted.differing if stored.id not in kept and stored.target.examples]
        # Encoded here, before `set_compiled` removes the texts of targets that do not retain them.
        made = await asyncio.to_thread(example_vectors, [stored.target for stored in unread], encoder)
        packed = {stored.id: embed(stored.target, made[stored.id], encoder, retained=stored.retain_examples) for stored in unread}
        async with self.enforcement.changing([stored.target for stored in wanted.differing], gone, kept | made) as prepared:
            restrictions = prepared.compiled
            compiled = {
                (stored.id, stored.version): Compiled(
                    restrictions.always.get(stored.id), restrictions.gated.get(stored.id), packed.get(stored.id, stored.vectors)
                )
                for stored in wanted.differing
            }
            yield _Takeover(prepared, compiled)

    def _commit(self, takeover: _Takeover, wanted: Wanted, number: int) -> None:
        if takeover.prepared is None:
            self.enforcement.renumber(number)
            return
        self.enforcement.commit(takeover.prepared, number)
        self._enforced = dict(wanted.versions)
        self._unconfirmed = {*self._unconfirmed, *(stored.id for stored in wanted.differing)} & wanted.versions.keys()

    async def _confirm(self, number: int, wanted: Wanted) -> None:
        """Acknowledge, wait until every process has, then mark in the same transaction what this snapshot enforces."""
        deadline = time.monotonic() + self._timeout_s
        while True:
            async with self._database.write() as session:
                now = await self._database.now(session)
                await self._peers.acknowledge(session, self.lease.instance, number, now)
                waiting = await self._peers.waiting_for(session, number, now, LEASE_S)
                if not waiting:
                    await self._snapshots.activate(session, number)
                    await self._targets.mark_active(session, wanted.pending, number)
                    await self._targets.mark_retired(session, wanted.retiring)
                    details = {"activated": len(wanted.pending), "retired": len(wanted.retiring), "digest": wanted.digest}
                    touched = [*wanted.pending, *wanted.retiring][:_IDS_IN_AUDIT]
                    await self._audit.append(session, AuditEvent("snapshot.activate", SYSTEM, touched, number, details))
                elif time.monotonic() > deadline:
                    await self._snapshots.fail(session, number, f"{len(waiting)} processes did not acknowledge in time")
            self._acknowledged = number
            if not waiting:
                self._unconfirmed -= wanted.pending.keys()
                return
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(_LOOK_S)
        raise EngineFailure(f"{len(waiting)} other processes did not acknowledge snapshot {number} within {self._timeout_s:g} s")

    async def _join(self) -> None:
        """Register as a process on the store, and take over what it asks for."""
        until = await self.lease.register()
        await self._take_over(await self.wanted(everything=True))
        self.lease.begin(until)

    async def _take_over(self, wanted: Wanted) -> None:
        async with self._taking_over(wanted) as takeover:
            self._commit(takeover, wanted, wanted.latest)
        # The process that proposed a snapshot stores what it compiled, unless it died before.
        missing = {}
        for stored in wanted.differing:
            made = takeover.compiled[stored.id, stored.version]
            if (stored.gated_digest, stored.vectors) != (made.gated_digest, made.vectors):
                missing[stored.id, stored.version] = made
        async with self._database.write() as session:
            await self._targets.set_compiled(session, missing)
            await self._peers.acknowledge(session, self.lease.instance, wanted.latest, await self._database.now(session))
        self._acknowledged = wanted.latest
        await self.enforcement.drop_unused()

    async def _follow(self) -> None:
        async with aclosing(self._notifier.listen()) as notices:
            async for notice in notices:
                if notice in (f"snapshot {self._acknowledged}", f"snapshot {self._proposed}"):
                    continue
                try:
                    async with self._turn:
                        await self._follow_once()
                except Exception as error:
                    logger.error("a change of another process could not be taken over: %s", type(error).__name__)

    async def _follow_once(self) -> None:
        async with self._database.read() as session:
            latest = await self._snapshots.latest(session)
        if latest and latest.number > self._acknowledged:
            await self._take_over(await self.wanted())

    async def _retry(self) -> None:
        """Every `RETRY_S`, try again what could not be enforced, and delete the targets that have expired."""
        while True:
            await asyncio.sleep(RETRY_S)
            try:
                async with self._database.read() as session:
                    now = await self._database.now(session)
                    expired = await self._targets.expired(session, now) if self._clock.steady(now) else []
                if expired:
                    await self._expire(expired)
                if not (await self.wanted()).settled:
                    await self.activate()
            except (NotEnforced, StoreError):
                continue
            except Exception as error:
                logger.error("pending changes could not be read or enforced: %s", type(error).__name__)

    async def _expire(self, expired: Sequence[StoredTarget]) -> None:
        for stored in expired:
            async with self._database.write() as session:
                await self._targets.set_status(
                    session, stored.id, "deleted", expected=stored.version, actor=SYSTEM, reason="expired"
                )
                await self._audit.append(session, AuditEvent("target.expire", SYSTEM, [stored.id]))

    async def _rejoin(self) -> None:
        try:
            async with self._turn:
                await self._join()
        except Exception as error:
            logger.error("the policy could not be taken over again: %s", type(error).__name__)
