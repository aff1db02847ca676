"""The database: opened, brought up to date, read from and written to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from server.store.columns import utc_now
from server.store.database.engines import WRITES, create_engine, unavailable
from server.store.database.location import Location
from server.store.database.migrate import migrate
from server.store.errors import StoreError, StoreUnavailable

WRITE_LOCK = 0x6775617264_02
"""PostgreSQL's advisory lock that a writing transaction holds."""
LOCK_TIMEOUT_S = 10.0


class Database:
    """One store, for one event loop.

    Writers take turns, over all processes on the same database: what a writing transaction reads, nobody changes before it
    commits. Readers see one state of the database, do not wait for writers, and change nothing. Writing transactions do not nest.
    """

    def __init__(self, location: Location, engine: AsyncEngine, *, lock_timeout_s: float) -> None:
        self.location = location
        self.lock_timeout_s = lock_timeout_s
        self._engine = engine
        self._writer = engine.execution_options(**{WRITES: True})
        if location.dialect == "postgresql":
            # READ COMMITTED for writers: what they see must be as new as the lock that they have just got.
            self._reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        else:
            self._reader = engine
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, url: str, *, lock_timeout_s: float = LOCK_TIMEOUT_S) -> Database:
        """Open the database at `url`, and bring its schema up to date.

        `lock_timeout_s` is how long a writer waits for its turn, and a reader for a connection.
        Raises ValueError for a URL that names no store (see Location.of), StoreUnavailable, and SchemaTooNew.
        """
        location = Location.of(url)
        await asyncio.to_thread(migrate, location, lock_timeout_s=lock_timeout_s)
        return cls(location, create_engine(location, lock_timeout_s=lock_timeout_s), lock_timeout_s=lock_timeout_s)

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Give a session that reads one state of the database. Raises StoreUnavailable, and StoreError for what it refuses."""
        async with _typed_errors(), AsyncSession(self._reader, expire_on_commit=False) as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """Give a session whose changes are committed at the end together, or not at all if the block raises.

        Raises StoreUnavailable, and StoreError for what the database refuses; by then everything is rolled back.
        """
        await self._acquire_turn()
        try:
            async with _typed_errors(), AsyncSession(self._writer, expire_on_commit=False) as session, session.begin():
                if self.location.dialect == "postgresql":
                    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITE_LOCK})
                else:
                    await session.connection()
                yield session
        finally:
            self._turn.release()

    async def scrub(self) -> None:
        """Overwrite what was deleted, as far as the database can: call it after a purge.

        SQLite overwrites deleted content when it changes a page, and this empties the log that held the pages before. PostgreSQL
        rewrites the tables of targets, which keeps readers waiting meanwhile. Neither reaches PostgreSQL's own log, backups,
        replicas, or what a file system or a disk keeps of overwritten blocks. Raises StoreUnavailable.
        """
        await self._acquire_turn()
        try:
            if self.location.dialect == "postgresql":
                autocommit = self._engine.execution_options(isolation_level="AUTOCOMMIT")
                async with _typed_errors(), autocommit.connect() as connection:
                    for table in ("targets", "target_versions", "idempotency"):
                        await connection.execute(text(f"VACUUM (FULL) {table}"))
                return
            if not await self._checkpoint():
                raise StoreUnavailable("the database is locked")
        finally:
            self._turn.release()

    async def now(self, session: AsyncSession) -> datetime:
        """Return the database's time: processes on several machines agree about it, and not about their own clocks'."""
        if self.location.dialect == "sqlite":
            return utc_now()
        moment: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
        return moment

    async def notify(self, channel: str, payload: str) -> None:
        """Send a notice to PostgreSQL's listeners (server.store.database.notify), without waiting for a turn. Raises
        StoreUnavailable."""
        async with _typed_errors(), self._engine.begin() as connection:
            await connection.execute(select(func.pg_notify(channel, payload)))

    async def _acquire_turn(self) -> None:
        try:
            async with asyncio.timeout(self.lock_timeout_s):
                await self._turn.acquire()
        except TimeoutError:
            raise StoreUnavailable("the database is locked") from None

    async def _checkpoint(self) -> bool:
        # Outside a transaction: a checkpoint inside one fails as locked by itself. It waits for readers up to the busy timeout.
        async with _typed_errors(), self._engine.connect() as connection:
            raw = await connection.get_raw_connection()
            assert raw.driver_connection is not None
            cursor = await raw.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (busy, _, _) = await cursor.fetchone()
            await cursor.close()
            return not busy


@asynccontextmanager
async def _typed_errors() -> AsyncIterator[None]:
    """Raise what SQLAlchemy raises as StoreError, without what the database says: that may quote a row."""
    failure: StoreError
    try:
        yield
        return
    except StoreError as error:
        failure = error
    except PoolTimeout:
        failure = StoreUnavailable("the database is busy")
    except SQLAlchemyError as error:
        original = getattr(error, "orig", None)
        code = getattr(original, "sqlstate", None)
        refused = StoreError(f"the database refused a statement ({type(error).__name__}{', ' + code if code else ''})")
        failure = unavailable(original, error) or refused
    raise failure from None
