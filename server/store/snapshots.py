"""Policy snapshots in the store. One is proposed, then active or failed; an active one is superseded later."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.store.columns import utc_now
from server.store.errors import SnapshotConflict
from server.store.records import StoredSnapshot
from server.store.tables import SnapshotRow

SNAPSHOTS: Table = SnapshotRow.metadata.tables[SnapshotRow.__tablename__]
OVERTAKEN = "overtaken by a later snapshot"


class Snapshots:
    """The repository of snapshots. Methods that change something take a session of `Database.write`.

    Numbers rise and are never used twice. At most one snapshot is active, and its number never falls: after a restart, `active`
    returns what was enforced last. `at` is the time of the change, now if None.
    """

    async def active(self, session: AsyncSession) -> StoredSnapshot | None:
        """Return the snapshot in force; None if there never was one."""
        return await self._one(session, SNAPSHOTS.c.state == "active")

    async def latest(self, session: AsyncSession) -> StoredSnapshot | None:
        """Return the snapshot with the highest number, in any state; None if there is none."""
        return await self._one(session, SNAPSHOTS.c.number == select(func.max(SNAPSHOTS.c.number)).scalar_subquery())

    async def propose(
        self,
        session: AsyncSession,
        digest: str,
        *,
        reason: str | None = None,
        at: datetime | None = None,
    ) -> StoredSnapshot:
        """Store a state of the policy under the next number, and return it.

        Args:
            session: one of `Database.write`.
            digest: the name of the state (`server.policy.wanted.Wanted.digest`).
            reason: why it was proposed; no target's content.
            at: the time of the proposal; now if None.
        """
        highest = (await session.execute(select(func.max(SNAPSHOTS.c.number)))).scalar_one()
        moment = at or utc_now()
        made = StoredSnapshot((highest or 0) + 1, digest, "proposed", moment, None, reason)
        row = {column.name: getattr(made, column.name) for column in SNAPSHOTS.c}
        await session.execute(insert(SNAPSHOTS).values(row))
        return made

    async def activate(self, session: AsyncSession, number: int, *, at: datetime | None = None) -> None:
        """Put a proposed snapshot in force. Call this when every process enforces it.

        The snapshot before is superseded, and older proposals fail.

        Raises:
            SnapshotConflict: the snapshot is not proposed: there is none with this number, it failed, or a later one took over.
        """
        await self._proposed(session, number)
        await session.execute(update(SNAPSHOTS).where(SNAPSHOTS.c.state == "active").values(state="superseded"))
        older = (SNAPSHOTS.c.state == "proposed") & (SNAPSHOTS.c.number < number)
        await session.execute(update(SNAPSHOTS).where(older).values(state="failed", reason=OVERTAKEN))
        moment = at or utc_now()
        await session.execute(update(SNAPSHOTS).where(SNAPSHOTS.c.number == number).values(state="active", activated_at=moment))

    async def fail(self, session: AsyncSession, number: int, reason: str) -> None:
        """Give up a proposed snapshot. `reason` says why and holds no target's content.

        Raises:
            SnapshotConflict: the snapshot is not proposed.
        """
        await self._proposed(session, number)
        await session.execute(update(SNAPSHOTS).where(SNAPSHOTS.c.number == number).values(state="failed", reason=reason))

    async def _proposed(self, session: AsyncSession, number: int) -> None:
        state = (await session.execute(select(SNAPSHOTS.c.state).where(SNAPSHOTS.c.number == number))).scalar_one_or_none()
        if state != "proposed":
            raise SnapshotConflict(number, f"is {state}" if state else "does not exist")

    async def _one(self, session: AsyncSession, condition: Any) -> StoredSnapshot | None:
        row: Row[Any] | None = (await session.execute(select(SNAPSHOTS).where(condition))).one_or_none()
        return StoredSnapshot(**row._mapping) if row else None
