"""Migrates a database to the schema of this program, with Alembic."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import exc, text
from sqlalchemy.engine import Connection

from server.store.database.engines import WRITES, create_engine
from server.store.database.location import Location
from server.store.errors import SchemaTooNew, StoreError, StoreUnavailable

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATION_LOCK = 0x6775617264_01
"""The number of the advisory lock under which PostgreSQL's schema is changed."""

# Alembic has the running migration in module globals, so a process runs one at a time.
_ONE_AT_A_TIME = threading.Lock()


def migrate(location: Location, revision: str = "head", *, lock_timeout_s: float = 10.0) -> None:
    """Migrate the database to `revision` in one transaction. This blocks. It creates a SQLite file if there is none.

    Processes that start together wait for each other: the later one has nothing left to do.

    Raises:
        StoreUnavailable: the database cannot be opened now.
        SchemaTooNew: a later version of this program wrote the database.
        StoreError: a migration failed.
    """
    if location.dialect == "sqlite":
        _prepare_file(location.path, lock_timeout_s)
    with _ONE_AT_A_TIME:
        asyncio.run(_migrate(location, revision, lock_timeout_s))


def config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration. There is no alembic.ini."""
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations").replace("%", "%%"))
    settings.attributes["connection"] = connection
    return settings


async def _migrate(location: Location, revision: str, lock_timeout_s: float) -> None:
    engine = create_engine(location, lock_timeout_s=lock_timeout_s, pooled=False).execution_options(**{WRITES: True})
    failure: StoreError
    try:
        async with engine.begin() as connection:
            if location.dialect == "postgresql":
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            await connection.run_sync(_upgrade, revision)
        return
    except StoreError as error:
        failure = error
    except exc.SQLAlchemyError as error:
        failure = StoreError(f"the schema could not be changed ({type(error).__name__})")
    finally:
        await engine.dispose()
    raise failure from None


def _upgrade(connection: Connection, revision: str) -> None:
    from alembic import command
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    settings = config(connection)
    known = {script.revision for script in ScriptDirectory.from_config(settings).walk_revisions()}
    if not known.issuperset(MigrationContext.configure(connection).get_current_heads()):
        raise SchemaTooNew("a later version of this program wrote the database: use that version")
    command.upgrade(settings, revision)


def _prepare_file(path: Path, lock_timeout_s: float) -> None:
    """Create the file, for its owner alone, with write-ahead logging. SQLite gives its side files the same mode."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StoreUnavailable(f"the database file cannot be opened ({os.strerror(error.errno or 0)})") from None
    deadline = time.monotonic() + lock_timeout_s
    while True:
        try:
            _switch_to_wal(path)
            return
        except sqlite3.Error as error:
            # The switch needs the file for itself, and does not wait for it even with a busy timeout.
            busy = getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not busy or time.monotonic() > deadline:
                raise StoreUnavailable("the database is locked" if busy else "the database cannot be opened") from None
        time.sleep(0.01)


def _switch_to_wal(path: Path) -> None:
    connection = sqlite3.connect(path, timeout=1.0)
    try:
        (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    finally:
        connection.close()
    if mode != "wal":
        raise StoreUnavailable("the database's file system has no write-ahead logging: use a local disk")
