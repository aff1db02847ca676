"""What the engines of a fleet are to hold: restrictions, by the front ends that need them.

Each front end merges its restrictions at its own time, so front ends need different ones for the same policy, and an engine holds
what any of them needs. Whatever changes that has the next *revision*. An engine that has acknowledged a revision holds all that
any lower one asked for. The files themselves are in the store, so an engine can ask any front end for them.

Writers take turns (`Database.write`), so a revision is complete once it can be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Index, Integer, LargeBinary, Table, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from server.store.base import Base
from server.store.columns import UtcDateTime, identifier
from server.store.peers import FRONT, PEERS

SILENT = timedelta(seconds=60)
"""How long a front end may be silent until the engines forget what it alone needed."""
_TOLD = timedelta(hours=1)  # how long it is kept that a restriction was dropped: engines hear it in seconds
_AT_ONCE = 500  # digests in one statement: databases limit its parameters


class NeedRow(Base):
    """Which front end needs which restriction, since which revision. `dropped_at` is when it ceased to, NULL while it does."""

    __tablename__ = "engine_needs"
    __table_args__ = (Index("ix_engine_needs_revision", "revision"),)

    digest: Mapped[str] = mapped_column(identifier(), primary_key=True)
    owner: Mapped[str] = mapped_column(identifier(), primary_key=True)
    revision: Mapped[int] = mapped_column(Integer)
    dropped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class FileRow(Base):
    """The restrictions that a front end needs, as files."""

    __tablename__ = "engine_files"

    digest: Mapped[str] = mapped_column(identifier(), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


_NEEDS: Table = NeedRow.metadata.tables[NeedRow.__tablename__]
_FILES: Table = FileRow.metadata.tables[FileRow.__tablename__]
_NEEDED = _NEEDS.c.dropped_at.is_(None)


@dataclass(frozen=True, slots=True)
class Changes:
    """What an engine has to do to reach a revision: the digests that it must hold from then on, and those to forget."""

    revision: int
    needed: Sequence[str]
    dropped: Sequence[str]


class Fleet:
    """The repository of what engines are to hold. Methods that change something take a session of `Database.write`."""

    async def revision(self, session: AsyncSession) -> int:
        """Return the latest revision, 0 if there is none."""
        return (await session.execute(select(func.max(_NEEDS.c.revision)))).scalar_one() or 0

    async def known(self, session: AsyncSession, digests: Sequence[str]) -> set[str]:
        """Return which of these restrictions the store has the files of."""
        found: set[str] = set()
        for some in _pieces(digests):
            found.update((await session.execute(select(_FILES.c.digest).where(_FILES.c.digest.in_(some)))).scalars())
        return found

    async def require(self, session: AsyncSession, owner: str, digests: Sequence[str], files: Mapping[str, bytes]) -> int:
        """Have every engine hold restrictions for a front end, and return the revision from which on it does.

        Args:
            session: one of `Database.write`.
            owner: the front end.
            digests: the restrictions.
            files: the files of those that the store does not have; what it has already stays.
        """
        made = await self.revision(session) + 1
        known = await self.known(session, list(files))
        if new := [{"digest": digest, "content": content} for digest, content in files.items() if digest not in known]:
            await session.execute(insert(_FILES), new)
        for some in _pieces(digests):
            await session.execute(delete(_NEEDS).where(_NEEDS.c.owner == owner, _NEEDS.c.digest.in_(some)))
            await session.execute(insert(_NEEDS), [{"digest": one, "owner": owner, "revision": made} for one in some])
        return made

    async def drop(self, session: AsyncSession, owner: str, digests: Sequence[str], now: datetime) -> None:
        """Note that a front end needs restrictions no more. What none needs is deleted here, and engines forget it."""
        values = {"revision": await self.revision(session) + 1, "dropped_at": now}
        for some in _pieces(digests):
            await session.execute(
                update(_NEEDS).where(_NEEDS.c.owner == owner, _NEEDS.c.digest.in_(some), _NEEDED).values(values)
            )
            await self._delete(session, some)

    async def changes(self, session: AsyncSession, since: int) -> Changes:
        """Return what has changed for an engine after the revision `since`; after 0: all that it must hold."""
        latest = await self.revision(session)
        if not since:
            every = await session.execute(select(_NEEDS.c.digest).where(_NEEDED).distinct())
            return Changes(latest, list(every.scalars()), [])
        rows = (await session.execute(select(_NEEDS.c.digest, _NEEDS.c.dropped_at).where(_NEEDS.c.revision > since))).all()
        needed = {row.digest for row in rows if row.dropped_at is None}
        gone = {row.digest for row in rows} - needed
        # Another front end may need it since an earlier revision.
        for some in _pieces(sorted(gone)):
            gone -= set((await session.execute(select(_NEEDS.c.digest).where(_NEEDS.c.digest.in_(some), _NEEDED))).scalars())
        return Changes(latest, sorted(needed), sorted(gone))

    async def reached(self, session: AsyncSession, owner: str, digests: Sequence[str], revision: int) -> int:
        """Return how many of these restrictions an engine holds that has acknowledged `revision`."""
        held = 0
        for some in _pieces(digests):
            mine = (_NEEDS.c.owner == owner) & _NEEDS.c.digest.in_(some) & _NEEDED & (_NEEDS.c.revision <= revision)
            held += (await session.execute(select(func.count()).select_from(_NEEDS).where(mine))).scalar_one()
        return held

    async def file(self, session: AsyncSession, digest: str) -> bytes | None:
        """Return the file of a restriction, None if there is none."""
        return (await session.execute(select(_FILES.c.content).where(_FILES.c.digest == digest))).scalar_one_or_none()

    async def sweep(self, session: AsyncSession, now: datetime) -> None:
        """Drop what front ends needed that have been silent for `SILENT`, and remove them; forget old drops."""
        silent = (PEERS.c.kind == FRONT) & (PEERS.c.lease_until <= now - SILENT)
        for owner in list((await session.execute(select(PEERS.c.instance).where(silent))).scalars()):
            await self.leave(session, owner, now)
        old = (_NEEDS.c.dropped_at <= now - _TOLD) & (_NEEDS.c.revision < await self.revision(session))
        await session.execute(delete(_NEEDS).where(old))

    async def leave(self, session: AsyncSession, owner: str, now: datetime) -> None:
        """Remove a front end and drop all that it needed."""
        mine = (await session.execute(select(_NEEDS.c.digest).where(_NEEDS.c.owner == owner, _NEEDED))).scalars()
        await self.drop(session, owner, list(mine), now)
        await session.execute(delete(PEERS).where(PEERS.c.instance == owner))

    async def _delete(self, session: AsyncSession, digests: Sequence[str]) -> None:
        unneeded = _FILES.c.digest.in_(digests) & _FILES.c.digest.not_in(select(_NEEDS.c.digest).where(_NEEDED))
        await session.execute(delete(_FILES).where(unneeded))


def _pieces(digests: Sequence[str]) -> Iterator[Sequence[str]]:
    return (digests[at : at + _AT_ONCE] for at in range(0, len(digests), _AT_ONCE))
