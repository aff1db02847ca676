"""Activation: what the store asks for becomes what is enforced, here and in every other process, before anybody is told so."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import select

from classifiers import Encoder
from classifiers.encoder import Vectors
from server.compiler import Compiled as Restrictions
from server.embeddings import embed, embedded
from server.enforcement import Enforcement
from server.errors import EngineFailure, NotReady
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
from server.store.audit import Audit
from server.store.auditrecord import AuditEvent
from server.store.targetreader import TARGETS

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


@dataclass(frozen=True, slots=True)
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

    @property
    def digest(self) -> str:
        """The name of this state, the same in every process: sha256 over ids and versions."""
        listed = "\n".join(f"{target_id} {version}" for target_id, version in sorted(self.versions.items()))
        return hashlib.sha256(listed.encode()).hexdigest()


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
        self._acknowledged = 0
        # One at a time: a round, or following another process's.
        self._turn = asyncio.Lock()
        self._lease_until = 0.0
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def serving(self) -> bool:
        """Whether this process may answer: it enforces the latest snapshot, and its lease lasts."""
        return bool(self._tasks) and time.monotonic() < self._lease_until

    async def wanted(self) -> Wanted:
        """Read what the store asks for. Raises StoreUnavailable."""
        columns = [TARGETS.c[name] for name in ("id", "version", "status", "active_version")]
        async with self._database.read() as session:
            rows = (await session.execute(select(*columns))).all()
            versions = {row.id: row.version for row in rows if row.status in ("pending", "active")}
            wrong = [i for i, version in versions.items() if self._enforced.get(i) != version]
            differing = list((await self._targets.find(session, wrong)).values())
            latest = await self._snapshots.latest(session)
        return Wanted(
            versions,
            differing,
            latest.number if latest else 0,
            {row.id: row.version for row in rows if row.id in versions and row.active_version != row.version},
            [row.id for row in rows if row.id not in versions and row.active_version is not None],
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
            async with self._taking_over(wanted) as commit:
                async with self._database.write() as session:
                    latest = await self._snapshots.latest(session)
                    # Whoever acknowledges a number must have what any lower number asked for: what was read before another
                    # process's proposal may lack that.
                    if (latest.number if latest else 0) != wanted.latest:
                        continue
                    number = (await self._snapshots.propose(session, wanted.digest, (), {})).number
                commit(number)
            await self._acknowledge(number)
            try:
                await self._confirm(number, wanted)
                return number
            except SnapshotConflict:
                continue  # another process's later snapshot was confirmed first; ours may be in it
        raise SnapshotConflict(self._acknowledged, "was overtaken again and again")

    @asynccontextmanager
    async def _taking_over(self, wanted: Wanted) -> AsyncIterator[Callable[[int], None]]:
        """Make the workers ready for what is wanted; what is given puts it in force here, under a snapshot's number."""
        gone = self._enforced.keys() - wanted.versions.keys()
        if not wanted.differing and not gone:
            yield self.enforcement.renumber
            return
        encoder = self.enforcement.encoder
        # Made before the texts are removed; where they are gone, here or by another process, what was kept stands for them.
        made = {
            stored.id: await asyncio.to_thread(embed, stored.target, encoder)
            for stored in wanted.differing
            if not stored.retain_examples and stored.target.examples
        }
        kept = vectors_of(wanted.differing, encoder)
        async with self.enforcement.changing([stored.target for stored in wanted.differing], gone, kept) as prepared:
            await self._keep_compiled(wanted.differing, prepared.compiled, made)

            def commit(number: int) -> None:
                self.enforcement.commit(prepared, number)
                self._enforced = dict(wanted.versions)

            yield commit
        await self.enforcement.drop_unused()

    async def _keep_compiled(self, targets: Sequence[StoredTarget], compiled: Restrictions, vectors: Mapping[str, bytes]) -> None:
        found = {
            (stored.id, stored.version): Compiled(
                compiled.always.get(stored.id), compiled.gated.get(stored.id), vectors.get(stored.id, stored.vectors)
            )
            for stored in targets
        }
        async with self._database.write() as session:
            await self._targets.set_compiled(session, found)

    async def _acknowledge(self, number: int) -> None:
        async with self._database.write() as session:
            await self._peers.acknowledge(session, self.instance, number, await self._database.now(session))
        self._acknowledged = number
        await self._notifier.notify(f"snapshot {number}")

    async def _confirm(self, number: int, wanted: Wanted) -> None:
        """Wait until every process has acknowledged, then mark what this snapshot enforces, all in one transaction."""
        deadline = time.monotonic() + self._timeout_s
        while True:
            async with self._database.write() as session:
                waiting = await self._peers.waiting_for(session, number, await self._database.now(session))
                if not waiting:
                    await self._snapshots.activate(session, number)
                    await self._targets.mark_active(session, wanted.pending, number)
                    await self._targets.mark_retired(session, wanted.retiring)
                    details = {"activated": len(wanted.pending), "retired": len(wanted.retiring), "digest": wanted.digest}
                    touched = [*wanted.pending, *wanted.retiring][:_IDS_IN_AUDIT]
                    await self._audit.append(session, AuditEvent("snapshot.activate", SYSTEM, touched, number, details))
                    return
                if time.monotonic() > deadline:
                    await self._snapshots.fail(session, number, f"{len(waiting)} processes did not acknowledge in time")
                    break
            await asyncio.sleep(_LOOK_S)
        raise EngineFailure(f"{len(waiting)} other processes did not acknowledge snapshot {number} within {self._timeout_s:g} s")

    async def _join(self) -> None:
        """Register as a process on the store, and take over what it asks for."""
        asked = time.monotonic()
        async with self._database.write() as session:
            await self._peers.register(session, self.instance, await self._database.now(session), LEASE_S)
        await self._take_over_latest()
        self._lease_until = asked + LEASE_S

    async def _take_over_latest(self) -> None:
        wanted = await self.wanted()
        if wanted.latest <= self._acknowledged and not wanted.differing:
            return
        async with self._taking_over(wanted) as commit:
            commit(wanted.latest)
        await self._acknowledge(wanted.latest)

    async def _follow(self) -> None:
        async with aclosing(self._notifier.listen()) as notices:
            async for notice in notices:
                if notice == f"snapshot {self._acknowledged}":
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
            await self._take_over_latest()

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


def vectors_of(targets: Sequence[StoredTarget], encoder: Encoder) -> dict[str, Vectors]:
    """Return the vectors of examples whose text was not kept, by target id. Raises EmbeddingError for another encoder's."""
    return {stored.id: embedded(stored.vectors, encoder) for stored in targets if stored.vectors and not stored.target.examples}
