"""The database: it is opened, migrated, read and written."""

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
from server.store.database.turns import Turns
from server.store.errors import StoreError, StoreUnavailable

WRITE_LOCK = 0x6775617264_02
"""The number of the advisory lock that a writing transaction holds on PostgreSQL."""
LOCK_TIMEOUT_S = 10.0


class Database:
    """One store, for one event loop.

    Writers of all processes on the database take turns: what a writing transaction reads does not change before it commits.
    Readers see one state of the database and do not wait for writers. Writing transactions do not nest.
    """

    def __init__(self, location: Location, engine: AsyncEngine, *, lock_timeout_s: float) -> None:
        self.location = location
        self.lock_timeout_s = lock_timeout_s
        self._engine = engine
        self._writer = engine.execution_options(**{WRITES: True})
        if location.dialect == "postgresql":
            # Writers use READ COMMITTED: they must see what was committed before they got the lock.
            self._reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        else:
            self._reader = engine
        self._turn = Turns()

    @classmethod
    async def open(cls, url: str, *, lock_timeout_s: float = LOCK_TIMEOUT_S) -> Database:
        """Open the database at `url`, and migrate its schema.

        Args:
            url: where the database is (`Location.of`).
            lock_timeout_s: seconds for which a writer waits for its turn, and a reader for a connection.

        Raises:
            ValueError: `url` names no store.
            StoreUnavailable: the database cannot be opened now.
            SchemaTooNew: a later version of this program wrote the database.
        """
        location = Location.of(url)
        await asyncio.to_thread(migrate, location, lock_timeout_s=lock_timeout_s)
        return cls(location, create_engine(location, lock_timeout_s=lock_timeout_s), lock_timeout_s=lock_timeout_s)

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Give a session that reads one state of the database. Raises StoreUnavailable, or StoreError for a refused statement."""
        async with _typed_errors(), AsyncSession(self._reader, expire_on_commit=False) as session:
            yield session

    @asynccontextmanager
    async def write(self, *, urgent: bool = False) -> AsyncIterator[AsyncSession]:
        """Give a session whose changes are committed together at the end, or rolled back if the block raises.

        Args:
            urgent: Whether it gets its turn before the writers of this process who wait already.

        Raises:
            StoreUnavailable: the database cannot do it now. Everything is rolled back.
            StoreError: the database refuses a statement. Everything is rolled back.
        """
        await self._acquire_turn(urgent)
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
        """Overwrite deleted content as far as the database can. Call this after a purge.

        SQLite overwrites deleted content when it changes a page; this call empties the log with the earlier pages. PostgreSQL
        rewrites the tables of targets and restrictions, and readers wait meanwhile. Neither reaches PostgreSQL's own log,
        backups, replicas, or blocks that a file system or a disk keeps.

        Raises:
            StoreUnavailable: the database cannot do it now.
        """
        await self._acquire_turn()
        try:
            if self.location.dialect == "postgresql":
                autocommit = self._engine.execution_options(isolation_level="AUTOCOMMIT")
                async with _typed_errors(), autocommit.connect() as connection:
                    for table in ("targets", "target_versions", "idempotency", "engine_files"):
                        await connection.execute(text(f"VACUUM (FULL) {table}"))
                return
            if not await self._checkpoint():
                raise StoreUnavailable("the database is locked")
        finally:
            self._turn.release()

    async def now(self, session: AsyncSession) -> datetime:
        """Return the database's time. Processes on several machines share it, while their own clocks differ."""
        if self.location.dialect == "sqlite":
            return utc_now()
        moment: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
        return moment

    async def notify(self, channel: str, payload: str) -> None:
        """Send a notice to PostgreSQL's listeners (`server.store.database.notify`) without waiting for a turn.

        Raises:
            StoreUnavailable: the database cannot do it now.
        """
        async with _typed_errors(), self._engine.begin() as connection:
            await connection.execute(select(func.pg_notify(channel, payload)))

    async def _acquire_turn(self, urgent: bool = False) -> None:
        try:
            async with asyncio.timeout(self.lock_timeout_s):
                await self._turn.acquire(urgent=urgent)
        except TimeoutError:
            raise StoreUnavailable("the database is locked") from None

    async def _checkpoint(self) -> bool:
        # A checkpoint inside a transaction would find the database locked by itself. It waits for readers up to the busy timeout.
        async with _typed_errors(), self._engine.connect() as connection:
            raw = await connection.get_raw_connection()
            assert raw.driver_connection is not None
            cursor = await raw.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (busy, _, _) = await cursor.fetchone()
            await cursor.close()
            return not busy


@asynccontextmanager
async def _typed_errors() -> AsyncIterator[None]:
    """Turn SQLAlchemy's errors into StoreError, without the database's message: it may quote a row."""
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
