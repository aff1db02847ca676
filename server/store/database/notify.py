"""Tells the processes on one store at once that something has changed.

A notice is only a hint: it may come twice, and a listener that is not connected misses it. An empty notice means "look at the
store". It comes first, after every reconnection, and if the sender's text is not known.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Protocol
from urllib.parse import quote

import aiosqlite

from server.store.database.database import Database
from server.store.database.engines import connect_postgresql
from server.store.errors import StoreUnavailable

CHANNEL = "guard_store"
MAX_PAYLOAD_BYTES = 7999
"""PostgreSQL's limit (postgresql.org/docs/15/sql-notify.html)."""
POLL_S = 0.2
_PING_S = 10.0
_FIRST_PAUSE_S, _LAST_PAUSE_S = 0.05, 5.0


class Notifier(Protocol):
    """Sends notices to all processes on one store, and receives them. A notice holds ids and numbers, no target's content."""

    async def notify(self, payload: str) -> None:
        """Send a notice. Raises ValueError if it is empty or too long, and StoreUnavailable."""
        ...

    def listen(self) -> AsyncGenerator[str]:
        """Give all notices as they come, those of this process as well, for ever. Close it with `contextlib.aclosing`."""
        ...


def notifier_of(database: Database) -> Notifier:
    """Return the notifier for the database. A process has one."""
    return PostgresNotifier(database) if database.location.dialect == "postgresql" else FileNotifier(database)


class PostgresNotifier:
    """Uses LISTEN and NOTIFY. A listener has a connection of its own, and connects again when it is lost."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def notify(self, payload: str) -> None:
        """Send a notice; see Notifier."""
        _check(payload)
        await self._database.notify(CHANNEL, payload)

    async def listen(self) -> AsyncGenerator[str]:
        """Give the notices; see Notifier."""
        pause = _FIRST_PAUSE_S
        while True:
            try:
                connection = await connect_postgresql(self._database.location, self._database.lock_timeout_s)
            except StoreUnavailable:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LAST_PAUSE_S)
                continue
            pause = _FIRST_PAUSE_S
            async with aclosing(_notices(connection)) as notices:
                async for notice in notices:
                    yield notice
            await asyncio.sleep(_FIRST_PAUSE_S)


class FileNotifier:
    """For SQLite: it has queues within the process, and reads `PRAGMA data_version` every `poll_s` seconds for other processes.

    That number changes when another connection has committed something (sqlite.org/pragma.html#pragma_data_version). The
    connection may be of this process, and the commit about anything, so the notice is an empty one.
    """

    def __init__(self, database: Database, poll_s: float = POLL_S) -> None:
        self._path = database.location.path
        self._poll_s = poll_s
        self._queues: set[asyncio.Queue[str]] = set()

    async def notify(self, payload: str) -> None:
        """Send a notice; see Notifier."""
        _check(payload)
        for queue in self._queues:
            queue.put_nowait(payload)

    async def listen(self) -> AsyncGenerator[str]:
        """Give the notices; see Notifier."""
        queue: asyncio.Queue[str] = asyncio.Queue()
        self._queues.add(queue)
        polling = asyncio.create_task(self._poll(queue))
        try:
            while True:
                yield await queue.get()
        finally:
            self._queues.discard(queue)
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)

    async def _poll(self, queue: asyncio.Queue[str]) -> None:
        while True:
            # A new connection does not know what happened before.
            seen: int | None = None
            try:
                async with aiosqlite.connect(f"file:{quote(str(self._path))}?mode=ro", uri=True) as connection:
                    while True:
                        async with connection.execute("PRAGMA data_version") as cursor:
                            row = await cursor.fetchone()
                        if row is not None and row[0] != seen:
                            seen = row[0]
                            queue.put_nowait("")
                        await asyncio.sleep(self._poll_s)
            except sqlite3.Error:
                await asyncio.sleep(self._poll_s)


async def _notices(connection: Any) -> AsyncGenerator[str]:
    """Give the notices of this connection until it is lost."""
    import asyncpg  # type: ignore[import-untyped]

    queue: asyncio.Queue[str | None] = asyncio.Queue()
    connection.add_termination_listener(lambda _: queue.put_nowait(None))
    try:
        await connection.add_listener(CHANNEL, lambda _connection, _pid, _channel, payload: queue.put_nowait(payload))
        yield ""
        while True:
            try:
                notice = await asyncio.wait_for(queue.get(), _PING_S)
            except TimeoutError:
                # A connection whose other end vanished stays silent for ever: ask it something.
                await connection.execute("SELECT 1", timeout=_PING_S)
                continue
            if notice is None:
                return
            yield notice
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return
    finally:
        connection.terminate()


def _check(payload: str) -> None:
    if not 0 < len(payload.encode()) <= MAX_PAYLOAD_BYTES:
        raise ValueError(f"a notice has 1 to {MAX_PAYLOAD_BYTES} bytes")
