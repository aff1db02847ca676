"""Activation: what the store asks for becomes what is enforced, here and in every other process, before anybody is told so."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property

from classifiers.meaning.nearest import example_vectors
from server.errors import EngineFailure, NotReady
from server.policy.enforcement import Enforcement, Prepared
from server.policy.vectors import embed, embedded
from server.store import (
    Compiled,
    Database,
    LeaseLost,
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
LEASE_S = 10.0
RETRY_S = 2.0
_LOOK_S = 0.02
_OVERTAKEN_AT_MOST = 5
# A record of an import need not list every target; the targets' own records do.
_IDS_IN_AUDIT = 100


class NotEnforced(NotReady):
    """A change is stored and not yet enforced everywhere: the old policy stays in force, and the change is tried again."""


@dataclass(frozen=True)
class Wanted:
    """What the store asks for at one moment.

    `versions`: of each target that is to be enforced, by id. `differing`: those of them that are not enforced here at that
    version. `latest`: the number of the latest snapshot, 0 if there is none. `pending` and `retiring`: versions that no snapshot
    has confirmed yet, and targets that the last one still enforces and that are to be enforced no more.
    """

    versions: Mapping[str, int]
    differing: Sequence[StoredTarget]
    latest: int
    pending: Mapping[str, int]
    retiring: Sequence[str]

    @property
    def settled(self) -> bool:
        """Whether everything is confirmed."""
        return not self.pending and not self.retiring

    @cached_property
    def digest(self) -> str:
        """The name of this state, the same in every process: sha256 over ids and versions."""
        listed = "\n".join(f"{target_id} {version}" for target_id, version in sorted(self.versions.items()))
        return hashlib.sha256(listed.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Takeover:
    """What the workers are ready for; `prepared` is None where only the snapshot's number changes. `compiled` is to be stored."""

    prepared: Prepared | None
    compiled: Mapping[tuple[str, int], Compiled]


class Activation:
    """Brings the store's targets into force.

    A round reads what is wanted, has the engine's workers and the classifier take over what differs, numbers that as a snapshot,
    and waits until every other process on the store has done the same; only then targets are marked active. What is asked
    for while a round is going on is in the next. A process that cannot keep its lease serves nothing until it has one again.
    """

    def __init__(
        self, database: Database, notifier: Notifier, enforcement: Enforcement, instance: str, *, timeout_s: float, audit: Audit
    ) -> None:
        self.enforcement = enforcement
        self.instance = instance
        self._database = database
        self._notifier = notifier
        self._timeout_s = timeout_s
        self._audit = audit
        self._targets, self._snapshots, self._peers = Targets(), Snapshots(), Peers()
        self._enforced: dict[str, int] = {}
        # Targets enforced here at a version that no snapshot was seen to confirm.
        self._unconfirmed: set[str] = set()
        self._acknowledged = 0
        self._proposed = 0
        # One at a time: a round, or following another process's.
        self._turn = asyncio.Lock()
        self._lease_until = 0.0
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def serving(self) -> bool:
        """Whether this process may answer: it enforces the latest snapshot, and its lease lasts."""
        return bool(self._tasks) and time.monotonic() < self._lease_until

    async def wanted(self, everything: bool = False) -> Wanted:
        """Read what the store asks for; of all targets if `everything`, else of those that no snapshot has settled.

        What is settled is enforced here: no snapshot is confirmed before this process has acknowledged it, unless the lease is
        lost. Raises StoreUnavailable.
        """
        async with self._database.read() as session:
            found = await self._targets.unsettled(session, self._unconfirmed, everything)
            versions = {} if everything else dict(self._enforced)
            for standing in found:
                if standing.wanted:
                    versions[standing.id] = standing.version
                else:
                    versions.pop(standing.id, None)
            wrong = [standing.id for standing in found if standing.wanted and self._enforced.get(standing.id) != standing.version]
            differing = list((await self._targets.find(session, wrong)).values())
            latest = await self._snapshots.latest(session)
        self._unconfirmed -= {standing.id for standing in found if standing.active_version == standing.version}
        return Wanted(
            versions,
            differing,
            latest.number if latest else 0,
            {
                standing.id: standing.version
                for standing in found
                if standing.wanted and standing.active_version != standing.version
            },
            [standing.id for standing in found if not standing.wanted and standing.active_version is not None],
        )

    async def start(self, versions: Mapping[str, int]) -> None:
        """Put in force what `Enforcement.start` was given, whose versions are `versions`, and follow the store from now on.

        Raises what `activate` raises, and StoreError.
        """
        self._enforced = dict(versions)
        self.enforcement.commit_start(0)
        async with self._turn:
            await self._join()
        self._tasks = [asyncio.create_task(task) for task in (self._keep_lease(), self._follow(), self._retry())]
        await self.activate()

    async def stop(self) -> None:
        """Stop following the store, and leave it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self.enforcement.stop()
        async with self._database.write() as session:
            await self._peers.leave(session, self.instance)

    async def activate(self) -> int:
        """Have everything enforced everywhere that was stored before this call; return the number of a snapshot that does.

        Raises NotEnforced if a worker or another process does not acknowledge in time: what was stored stays pending, the
        policy before it in force, and it is tried again.
        """
        try:
            async with self._turn:
                return await self._round()
        except Exception as error:
            # Only these say nothing of a target's content.
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
                    # Whoever acknowledges a number must have what any lower number asked for: what was read before another
                    # process's proposal may lack that.
                    if (latest.number if latest else 0) != wanted.latest:
                        continue
                    await self._targets.set_compiled(session, takeover.compiled)
                    number = (await self._snapshots.propose(session, wanted.digest, (), {})).number
                self._proposed = number
                # The others prepare meanwhile.
                await self._notifier.notify(f"snapshot {number}")
                self._commit(takeover, wanted, number)
            await self.enforcement.drop_unused()
            try:
                await self._confirm(number, wanted)
                return number
            except SnapshotConflict:
                continue  # another process's later snapshot was confirmed first; ours may be in it
        raise SnapshotConflict(self._acknowledged, "was overtaken again and again")

    @asynccontextmanager
    async def _taking_over(self, wanted: Wanted) -> AsyncIterator[_Takeover]:
        """Make the workers ready for what is wanted; `_commit` puts it in force, inside."""
        gone = self._enforced.keys() - wanted.versions.keys()
        if not wanted.differing and not gone:
            yield _Takeover(None, {})
            return
        encoder = self.enforcement.encoder
        kept = await asyncio.to_thread(embedded, wanted.differing, encoder)
        unread = [stored for stored in wanted.differing if stored.id not in kept and stored.target.examples]
        # Made before the texts are removed, where they are not to be retained.
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
        """Acknowledge, wait until every process has, then mark what this snapshot enforces, all in one transaction."""
        deadline = time.monotonic() + self._timeout_s
        while True:
            async with self._database.write() as session:
                now = await self._database.now(session)
                await self._peers.acknowledge(session, self.instance, number, now)
                waiting = await self._peers.waiting_for(session, number, now)
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
        asked = time.monotonic()
        async with self._database.write() as session:
            await self._peers.register(session, self.instance, await self._database.now(session), LEASE_S)
        await self._take_over(await self.wanted(everything=True))
        self._lease_until = asked + LEASE_S

    async def _take_over(self, wanted: Wanted) -> None:
        async with self._taking_over(wanted) as takeover:
            self._commit(takeover, wanted, wanted.latest)
        # What another process proposed, that process has stored; not so what was left by one that died.
        missing = {}
        for stored in wanted.differing:
            made = takeover.compiled[stored.id, stored.version]
            if (stored.gated_digest, stored.vectors) != (made.gated_digest, made.vectors):
                missing[stored.id, stored.version] = made
        async with self._database.write() as session:
            await self._targets.set_compiled(session, missing)
            await self._peers.acknowledge(session, self.instance, wanted.latest, await self._database.now(session))
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
                    logger.error("another process's change could not be taken over: %s", type(error).__name__)

    async def _follow_once(self) -> None:
        async with self._database.read() as session:
            latest = await self._snapshots.latest(session)
        if latest and latest.number > self._acknowledged:
            await self._take_over(await self.wanted())

    async def _retry(self) -> None:
        """Try again, now and then, what could not be enforced; end what has expired."""
        while True:
            await asyncio.sleep(RETRY_S)
            try:
                async with self._database.read() as session:
                    expired = await self._targets.expired(session, await self._database.now(session))
                if expired:
                    await self._expire(expired)
                if not (await self.wanted()).settled:
                    await self.activate()
            except (NotEnforced, StoreError):
                continue
            except Exception as error:
                logger.error("pending changes could not be looked at: %s", type(error).__name__)

    async def _expire(self, expired: Sequence[StoredTarget]) -> None:
        for stored in expired:
            async with self._database.write() as session:
                await self._targets.set_status(
                    session, stored.id, "deleted", expected=stored.version, actor=SYSTEM, reason="expired"
                )
                await self._audit.append(session, AuditEvent("target.expire", SYSTEM, [stored.id]))

    async def _keep_lease(self) -> None:
        while True:
            await asyncio.sleep(LEASE_S / 4)
            asked = time.monotonic()
            try:
                async with self._database.write() as session:
                    await self._peers.renew(session, self.instance, await self._database.now(session), LEASE_S)
                self._lease_until = asked + LEASE_S
            except LeaseLost:
                logger.error("the lease was lost: nothing is answered until the policy is taken over again")
                self._lease_until = 0.0
                await self._rejoin()
            except Exception as error:
                logger.error("the lease could not be renewed: %s", type(error).__name__)

    async def _rejoin(self) -> None:
        try:
            async with self._turn:
                await self._join()
        except Exception as error:
            logger.error("the policy could not be taken over again: %s", type(error).__name__)
