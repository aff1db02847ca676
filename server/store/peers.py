"""Peers: the server processes on one store, and which snapshot each enforces.

A peer holds a lease (Gray and Cheriton, SOSP 1989). While the lease lasts, a new snapshot waits for the peer to acknowledge it.
When the lease is over, no process waits for the peer, and the peer must not answer requests. Three rules keep this safe with any
clocks:

- Lease times are times of the database, which all peers share (`Database.now`; the peers of a SQLite file share a machine).
- A peer counts its lease on its own monotonic clock, from before it asked for it, and stops serving when the lease is over.
- One writing transaction does both `waiting_for` and the activation of the snapshot. A peer that registers before it is waited
  for; a peer that registers after it starts with the new snapshot.

The engines of a fleet are peers with such a lease, too. They acknowledge revisions of what they are to hold
(`server.store.fleet`), so each `kind` of peer is waited for by itself. An engine that joins is waited for once it is current.
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
SERVER, ENGINE, JOINING, FRONT = "server", "engine", "joining", "front"
"""The kinds: a server, which enforces snapshots; an engine that serves; one that does not yet; a front end of the fleet."""


class Peers:
    """The repository of peers. Methods that change something take a session of `Database.write`.

    `now` is the database's time (`Database.now`); leases are in seconds.
    """

    async def register(
        self,
        session: AsyncSession,
        instance: str,
        now: datetime,
        lease_s: float,
        snapshot: int = 0,
        kind: str = SERVER,
        about: dict[str, Any] | None = None,
    ) -> StoredPeer:
        """Add a process that enforces `snapshot` (0: none yet). New snapshots wait for a server from the commit on."""
        made = StoredPeer(instance, now, now + timedelta(seconds=lease_s), snapshot, kind, about)
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

    async def promote(self, session: AsyncSession, instance: str, now: datetime) -> None:
        """Make an engine that joins one that serves: from now on it is waited for. Raises LeaseLost."""
        await self._change(session, instance, {"kind": ENGINE}, PEERS.c.lease_until > now)

    async def waiting_for(
        self, session: AsyncSession, number: int, now: datetime, lease_s: float, kind: str = SERVER
    ) -> list[str]:
        """Return the processes of a kind with a lease that have not acknowledged `number`. Leases are cut as `cut` does."""
        await self.cut(session, now, lease_s, kind)
        query = select(PEERS.c.instance).where(PEERS.c.kind == kind, PEERS.c.lease_until > now, PEERS.c.snapshot < number)
        return list((await session.execute(query.order_by(PEERS.c.instance))).scalars())

    async def cut(self, session: AsyncSession, now: datetime, lease_s: float, kind: str = SERVER) -> None:
        """Cut leases that end later than one that begins now: they are from before the clock went back.

        No process counts its lease for longer than `lease_s`, and nobody waits for a dead one until the clock is where it was.
        """
        longest = now + timedelta(seconds=lease_s)
        later = (PEERS.c.kind == kind) & (PEERS.c.lease_until > longest)
        await session.execute(update(PEERS).where(later).values(lease_until=longest))

    async def all(self, session: AsyncSession) -> list[StoredPeer]:
        """Return all processes, with those whose lease is over until `expire` removes them."""
        return [StoredPeer(**row._mapping) for row in await session.execute(select(PEERS).order_by(PEERS.c.instance))]

    async def living(self, session: AsyncSession, kind: str, now: datetime) -> list[StoredPeer]:
        """Return the processes of a kind with a lease."""
        return [peer for peer in await self.all(session) if peer.kind == kind and peer.lease_until > now]

    async def keep(self, session: AsyncSession, instance: str, now: datetime, lease_s: float) -> None:
        """Make a front end's lease last `lease_s` from now, even if it was over. Raises LeaseLost if it was removed."""
        await self._change(session, instance, {"lease_until": now + timedelta(seconds=lease_s)}, PEERS.c.kind == FRONT)

    async def expire(self, session: AsyncSession, before: datetime) -> list[str]:
        """Remove the servers and engines whose lease ended at `before` or earlier, and return them.

        `server.store.fleet.Fleet.sweep` removes front ends, with what they needed.
        """
        dead = [peer.instance for peer in await self.all(session) if peer.lease_until <= before and peer.kind != FRONT]
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
