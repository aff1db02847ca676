"""Engines for both databases. A committed write is on the disk, and an error tells only its kind."""

from __future__ import annotations

import json
import logging
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, event, exc
from sqlalchemy.engine import Connection, ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from server.store.database.location import Location
from server.store.errors import StoreUnavailable

# SQLite's primary result codes (sqlite.org/rescode.html): the low byte of the extended ones.
_SQLITE_REASONS = {
    sqlite3.SQLITE_BUSY: "the database is locked",
    sqlite3.SQLITE_LOCKED: "the database is locked",
    sqlite3.SQLITE_READONLY: "the database cannot be written to",
    sqlite3.SQLITE_IOERR: "the disk failed",
    sqlite3.SQLITE_CORRUPT: "the database is damaged",
    sqlite3.SQLITE_NOTADB: "the database is damaged",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_CANTOPEN: "the database cannot be opened",
}
# PostgreSQL's SQLSTATE: whole codes, then classes (postgresql.org/docs/15/errcodes-appendix.html).
_SQLSTATE_REASONS = {
    "53100": "the disk is full",
    "55P03": "the database is locked",
    "57014": "the database took too long",
    "40001": "the database is locked",
    "40P01": "the database is locked",
    "3D000": "the database does not exist",
    "25006": "the database cannot be written to",
    "08": "the connection to the database was lost",
    "28": "the database does not let this server in",
    "53": "the database has no room for more",
    "55": "the database is not in the state for this",
    "57": "the database is stopping or starting",
    "58": "the disk failed",
    "XX": "the database is damaged",
}
_GONE = "the database is not reachable"
CONNECT_TIMEOUT_S = 5.0
# A process that vanished without closing its connection must not hold the writers' lock for ever.
_IDLE_IN_TRANSACTION_MS = 60_000
WRITES = "store_writes"
"""The execution option of engines whose transactions write."""
# It logs each statement with its values at the level DEBUG, and among these are phrases, examples and keys.
logging.getLogger("aiosqlite").setLevel(logging.INFO)


def create_engine(location: Location, *, lock_timeout_s: float, pooled: bool = True) -> AsyncEngine:
    """Return an engine. It connects later, when it is used.

    Every call on the engine raises StoreUnavailable if the database cannot do it now. Connecting never creates a SQLite file: a
    store that was moved away is gone, not empty.
    """
    options: dict[str, Any] = {
        # Log lines and messages show statements without their parameters.
        "hide_parameters": True,
        "json_serializer": lambda value: json.dumps(value, separators=(",", ":")),
    }
    if pooled:
        options |= {"pool_pre_ping": True, "pool_size": 8, "max_overflow": 8, "pool_timeout": lock_timeout_s}
    else:
        options |= {"poolclass": NullPool}
    if location.dialect == "sqlite":
        url = URL.create("sqlite+aiosqlite", database=f"file:{quote(str(location.path))}", query={"mode": "rw", "uri": "true"})
        # SQLAlchemy begins transactions, not the driver.
        connect_args = {"timeout": lock_timeout_s, "isolation_level": None}
        engine = create_async_engine(url, connect_args=connect_args, **options)
        _install_sqlite(engine, location.path)
    else:
        engine = create_async_engine(
            "postgresql+asyncpg://", async_creator=lambda: connect_postgresql(location, lock_timeout_s), **options
        )
    event.listen(engine.sync_engine, "handle_error", _translate)
    return engine


async def connect_postgresql(location: Location, lock_timeout_s: float) -> Any:
    """Return a new asyncpg connection. Raises StoreUnavailable."""
    import asyncpg  # type: ignore[import-untyped]

    settings = {
        "application_name": "guard-server",
        "lock_timeout": str(int(lock_timeout_s * 1000)),
        "idle_in_transaction_session_timeout": str(_IDLE_IN_TRANSACTION_MS),
        "tcp_keepalives_idle": "20",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
    }
    reason = _GONE
    try:
        return await asyncpg.connect(location.dsn, timeout=CONNECT_TIMEOUT_S, server_settings=settings)
    except asyncpg.PostgresError as error:
        reason = _reason_of_sqlstate(error.sqlstate) or _GONE
    except (TimeoutError, OSError, asyncpg.InterfaceError):
        pass
    raise StoreUnavailable(reason)


def _install_sqlite(engine: AsyncEngine, path: Path) -> None:
    def identity() -> tuple[int, int] | None:
        try:
            found = path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def connected(connection: Any, record: ConnectionPoolEntry) -> None:
        record.info["file"] = identity()
        cursor = connection.cursor()
        # FULL: in WAL mode NORMAL may lose the last commits when the power goes (sqlite.org/pragma.html#pragma_synchronous).
        # secure_delete: deleted content is overwritten.
        for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def checked_out(connection: Any, record: ConnectionPoolEntry, proxy: Any) -> None:
        # An open file that was moved or removed still takes writes, and they would be lost.
        if record.info["file"] is None or record.info["file"] != identity():
            raise exc.DisconnectionError("the database file is another one")

    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine.sync_engine, "connect", connected)
    event.listen(engine.sync_engine, "checkout", checked_out)
    event.listen(engine.sync_engine, "begin", begun)


def unavailable(original: BaseException | None, wrapped: BaseException | None) -> StoreUnavailable | None:
    """Return the error for a driver's `original` that SQLAlchemy wraps as `wrapped`; None if a retry cannot help."""
    reason: str | None = None
    if isinstance(original, sqlite3.Error):
        code = getattr(original, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_ERROR:
            # The statement or the schema is at fault: a retry cannot help.
            return None
        reason = _SQLITE_REASONS.get(code)
    else:
        reason = _reason_of_sqlstate(getattr(original, "sqlstate", None))
    lost = isinstance(wrapped, exc.DBAPIError) and wrapped.connection_invalidated
    if reason is None and (lost or isinstance(wrapped, (exc.OperationalError, exc.InterfaceError))):
        reason = _GONE
    return StoreUnavailable(reason) if reason else None


def _translate(context: ExceptionContext) -> StoreUnavailable | None:
    # The pool handles the error of a ping itself: it connects again.
    return None if context.is_pre_ping else unavailable(context.original_exception, context.sqlalchemy_exception)


def _reason_of_sqlstate(code: str | None) -> str | None:
    if not code:
        return None
    return _SQLSTATE_REASONS.get(code) or _SQLSTATE_REASONS.get(code[:2])
