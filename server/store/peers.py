"""Peers: the server processes on one store, and which snapshot each enforces.

A peer holds a lease (Gray and Cheriton, SOSP 1989). While the lease lasts, a new snapshot waits for the peer to acknowledge it.
When the lease is over, no process waits for the peer, and the peer must not answer requests. Three rules keep this safe with any
clocks:

- Lease times are times of the database, which all peers share (`Database.now`; the peers of a SQLite file share a machine).
- A peer counts its lease on its own monotonic clock, from before it asked for it, and stops serving when the lease is over.
- One writing transaction does both `waiting_for` and the activation of the snapshot. A peer that registers before it is waited
  for; a peer that registers after it starts with the new snapshot.
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
    """The repository of peers. Methods that change something take a session of `Database.write`.

    `now` is the database's time (`Database.now`); leases are in seconds.
    """

    async def register(
        self, session: AsyncSession, instance: str, now: datetime, lease_s: float, snapshot: int = 0
    ) -> StoredPeer:
        """Add a process that enforces `snapshot` (0: none yet). New snapshots wait for it from the commit on."""
        made = StoredPeer(instance, now, now + timedelta(seconds=lease_s), snapshot)
        await session.execute(delete(PEERS).where(PEERS.c.instance == instance))
        await session.execute(insert(PEERS).values(made.__dict__))
        return made

    async def renew(self, session: AsyncSession, instance: str, now: datetime, lease_s: float) -> None:
        """Make the lease last `lease_s` from now. Raises LeaseLost if it is over: others may have gone on without the peer."""
        values = {"lease_until": now + timedelta(seconds=lease_s)}
        await self._change(session, instance, values, PEERS.c.lease_until > now)

    async def acknowledge(self, session: AsyncSession, instance: str, number: int, now: datetime) -> None:
        """Note that a process enforces snapshot `number`. A lower number than before changes nothing. Raises LeaseLost."""
        await self._change(session, instance, {}, PEERS.c.lease_until > now)
        lower = (PEERS.c.instance == instance) & (PEERS.c.snapshot < number)
        await session.execute(update(PEERS).where(lower).values(snapshot=number))

    async def waiting_for(self, session: AsyncSession, number: int, now: datetime, lease_s: float) -> list[str]:
        """Return the processes with a lease that have not acknowledged snapshot `number`.

        A lease that ends later than one that begins now is from before the clock went back. It is cut to that: no process counts
        its lease for longer than `lease_s`, and nobody waits for a dead one until the clock is where it was.
        """
        longest = now + timedelta(seconds=lease_s)
        await session.execute(update(PEERS).where(PEERS.c.lease_until > longest).values(lease_until=longest))
        query = select(PEERS.c.instance).where(PEERS.c.lease_until > now, PEERS.c.snapshot < number)
        return list((await session.execute(query.order_by(PEERS.c.instance))).scalars())

    async def all(self, session: AsyncSession) -> list[StoredPeer]:
        """Return all processes, with those whose lease is over until `expire` removes them."""
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
