"""Server processes on one store, and how far each enforces the policy.

A peer holds a lease (Gray and Cheriton, SOSP 1989): while it lasts, a new snapshot waits for the peer's acknowledgement; once
it is over, nobody waits, and the peer must not answer requests any more. For that to be safe whatever the clocks say:

- lease times are the database's own time, which all peers share (`Database.now`; SQLite's peers share a machine);
- a peer counts its lease on its own monotonic clock, from before it asked for it, and stops serving when that is over;
- `waiting_for` and the snapshot's activation happen in one writing transaction: a peer that registers before is waited for,
  one that registers after begins with the new snapshot.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.store.errors import LeaseLost
from server.store.records import StoredPeer
from server.store.tables import PeerRow

PEERS: Table = PeerRow.metadata.tables[PeerRow.__tablename__]


class Peers:
    """The repository of peers; every method takes the session, and those that change something one of `Database.write`.

    `now` is the database's time (`Database.now`), leases are in seconds.
    """

    async def register(
        self, session: AsyncSession, instance: str, now: datetime, lease_s: float, snapshot: int = 0
    ) -> StoredPeer:
        """Note that a process is there, enforcing `snapshot` (0: none yet). It is waited for from the commit on."""
        made = StoredPeer(instance, now, now + timedelta(seconds=lease_s), snapshot)
        await session.execute(delete(PEERS).where(PEERS.c.instance == instance))
        await session.execute(insert(PEERS).values(made.__dict__))
        return made

    async def renew(self, session: AsyncSession, instance: str, now: datetime, lease_s: float) -> None:
        """Make the lease last `lease_s` from now. Raises LeaseLost if it was over: others may have gone on without the peer."""
        values = {"lease_until": now + timedelta(seconds=lease_s)}
        await self._change(session, instance, values, PEERS.c.lease_until > now)

    async def acknowledge(self, session: AsyncSession, instance: str, number: int, now: datetime) -> None:
        """Note that a process enforces snapshot `number`; one lower than before changes nothing. Raises LeaseLost."""
        await self._change(session, instance, {}, PEERS.c.lease_until > now)
        lower = (PEERS.c.instance == instance) & (PEERS.c.snapshot < number)
        await session.execute(update(PEERS).where(lower).values(snapshot=number))

    async def waiting_for(self, session: AsyncSession, number: int, now: datetime) -> list[str]:
        """Return the processes with a lease that have not acknowledged snapshot `number`."""
        query = select(PEERS.c.instance).where(PEERS.c.lease_until > now, PEERS.c.snapshot < number)
        return list((await session.execute(query.order_by(PEERS.c.instance))).scalars())

    async def all(self, session: AsyncSession) -> list[StoredPeer]:
        """Return all processes, the dead too until they are expired."""
        return [StoredPeer(**row._mapping) for row in await session.execute(select(PEERS).order_by(PEERS.c.instance))]

    async def expire(self, session: AsyncSession, before: datetime) -> list[str]:
        """Remove the processes whose lease ended at `before` or earlier, and return them."""
        dead = [peer.instance for peer in await self.all(session) if peer.lease_until <= before]
        await session.execute(delete(PEERS).where(PEERS.c.instance.in_(dead)))
        return dead

    async def leave(self, session: AsyncSession, instance: str) -> None:
        """Remove a process that stops."""
        await session.execute(delete(PEERS).where(PEERS.c.instance == instance))

    async def _change(self, session: AsyncSession, instance: str, values: dict[str, Any], condition: Any) -> None:
        statement = update(PEERS).where(PEERS.c.instance == instance, condition)
        changed = await session.execute(statement.values(values or {"instance": instance}).returning(PEERS.c.instance))
        if changed.one_or_none() is None:
            raise LeaseLost(instance)
