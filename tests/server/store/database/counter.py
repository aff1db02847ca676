"""A counter in a row of the store, for tests of transactions and turns."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from server.store import Database

SECRET = "Wanderlust"
COUNTER = "INSERT INTO peers (instance, started_at, lease_until, snapshot) VALUES ('counter', :at, :at, 0)"
AT = "2026-01-01 00:00:00.000000+00:00"


async def start_counter(database: Database) -> None:
    async with database.write() as session:
        await session.execute(text(COUNTER.replace(":at", f"'{AT}'")))


async def count(database: Database) -> int:
    async with database.read() as session:
        return int((await session.execute(text("SELECT snapshot FROM peers WHERE instance = 'counter'"))).scalar_one())


async def add(database: Database) -> None:
    # Read, pause and write back: without turns over all processes, one of two would be lost.
    async with database.write() as session:
        seen = (await session.execute(text("SELECT snapshot FROM peers WHERE instance = 'counter'"))).scalar_one()
        await asyncio.sleep(0.001)
        await session.execute(text("UPDATE peers SET snapshot = :n WHERE instance = 'counter'"), {"n": seen + 1})


async def write_seven(database: Database, then: Callable[[AsyncSession], Awaitable[object]]) -> None:
    async with database.write() as session:
        await session.execute(text("UPDATE peers SET snapshot = 7"))
        await then(session)
