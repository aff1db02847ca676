"""Notices between the processes on one store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from sqlalchemy import text

from server.store import Database, Notifier, Snapshots, notifier_of
from tests.server.store.conftest import Cluster


async def _next(notices: AsyncGenerator[str], wanted: str) -> None:
    """Wait until the notice comes; the empty ones between may be about anything."""
    async with asyncio.timeout(20):
        while (notice := await anext(notices)) != wanted:
            assert notice == ""


async def test_a_notice_reaches_every_listener_of_the_process(database: Database) -> None:
    notifier = notifier_of(database)
    async with aclosing(notifier.listen()) as one, aclosing(notifier.listen()) as two:
        for notices in (one, two):
            await _next(notices, "")
        for payload in ("1", "2"):
            await notifier.notify(payload)
        for notices in (one, two):
            await _next(notices, "1")
            await _next(notices, "2")


@pytest.mark.slow
async def test_a_change_by_another_process_wakes_a_listener(database: Database, store_url: str) -> None:
    other = await Database.open(store_url)
    async with aclosing(notifier_of(database).listen()) as notices:
        await _next(notices, "")
        async with other.write() as session:
            await Snapshots().propose(session, "d")
        await notifier_of(other).notify("1")
        # A file cannot carry the words, only that there is something to look at.
        await _next(notices, "" if database.location.dialect == "sqlite" else "1")
    await other.close()


async def test_notices_that_cannot_be_sent_are_refused(database: Database) -> None:
    notifier: Notifier = notifier_of(database)
    for payload in ("", "x" * 8000, "ü" * 4000):
        with pytest.raises(ValueError, match="1 to 7999 bytes"):
            await notifier.notify(payload)
    await notifier.notify("x" * 7999)


@pytest.mark.slow
async def test_a_listener_comes_back_after_its_connection_was_lost(cluster: Cluster) -> None:
    url = cluster.create_database()
    database = await Database.open(url)
    notifier = notifier_of(database)
    async with aclosing(notifier.listen()) as notices:
        await _next(notices, "")
        async with database.read() as session:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
            assert (await session.execute(text(others))).scalars().all() == [True]
        await _next(notices, "")
        await notifier.notify("after")
        await _next(notices, "after")

        await asyncio.to_thread(cluster.stop)
        await asyncio.sleep(0.2)
        await asyncio.to_thread(cluster.start)
        await _next(notices, "")
        await notifier.notify("later")
        await _next(notices, "later")
    await database.close()
    cluster.drop_database(url)
