"""Opening, reading and writing, and what happens when the database cannot."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from server.store import Database, StoreError, StoreUnavailable, VersionConflict
from tests.server.store.conftest import Cluster
from tests.server.store.database.counter import AT, COUNTER, SECRET, add, count, start_counter, write_seven


async def _raise(error: Exception) -> None:
    raise error


@pytest.mark.slow
async def test_writers_take_turns_within_a_process_and_over_processes(database: Database, store_url: str) -> None:
    await start_counter(database)
    others = [await Database.open(store_url) for _ in range(3)]
    await asyncio.gather(*(add(one) for one in [database, *others] for _ in range(10)))
    assert await count(database) == 40
    for other in others:
        await other.close()


async def test_a_block_that_raises_changes_nothing(database: Database) -> None:
    await start_counter(database)
    error = VersionConflict("a", 1, 2)
    with pytest.raises(VersionConflict) as caught:
        await write_seven(database, lambda _: _raise(error))
    assert caught.value is error
    assert await count(database) == 0


async def test_a_reader_sees_one_state_and_does_not_wait(database: Database) -> None:
    await start_counter(database)
    query = text("SELECT snapshot FROM peers WHERE instance = 'counter'")
    async with database.read() as session:
        before = (await session.execute(query)).scalar_one()
        await asyncio.wait_for(add(database), 5)
        assert (await session.execute(query)).scalar_one() == before
    assert await count(database) == before + 1


async def test_a_cancelled_writer_changes_nothing_and_frees_its_turn(database: Database) -> None:
    await start_counter(database)
    inside = asyncio.Event()

    async def hang() -> None:
        async with database.write() as session:
            await session.execute(text("UPDATE peers SET snapshot = 7"))
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await inside.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await count(database) == 0
    await asyncio.wait_for(add(database), 5)


@pytest.mark.slow
async def test_a_writer_that_waits_too_long_is_told(store_url: str) -> None:
    one, two = [await Database.open(store_url, lock_timeout_s=0.2) for _ in range(2)]
    async with one.write():
        for waiting in (one, two):
            with pytest.raises(StoreUnavailable, match="locked"):
                async with waiting.write():
                    pass
    async with two.write():
        pass
    await one.close()
    await two.close()


@pytest.mark.slow
async def test_processes_that_start_together_find_one_schema(empty_url: str) -> None:
    program = "import asyncio, sys; from server.store import Database; asyncio.run(Database.open(sys.argv[1]))"
    starting = [await asyncio.create_subprocess_exec(sys.executable, "-c", program, empty_url) for _ in range(3)]
    assert [await process.wait() for process in starting] == [0, 0, 0]


@pytest.mark.slow
async def test_a_process_killed_inside_a_transaction_leaves_the_old_state(database: Database, store_url: str) -> None:
    await start_counter(database)
    program = """
import asyncio, sys
from sqlalchemy import text
from server.store import Database

async def main():
    database = await Database.open(sys.argv[1])
    async with database.write() as session:
        await session.execute(text("UPDATE peers SET snapshot = 7"))
        print("inside", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, store_url, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"inside\n"
    process.kill()
    await process.wait()
    # The turn of the killed one is free again, and what it wrote is gone.
    await asyncio.wait_for(add(database), 10)
    assert await count(database) == 1


async def test_what_the_database_says_about_a_row_is_not_repeated(database: Database) -> None:
    await start_counter(database)
    statement = text(COUNTER.replace("'counter'", ":who").replace(":at", f"'{AT}'"))

    async def insert(session: AsyncSession) -> None:
        await session.execute(statement, {"who": SECRET})

    await write_seven(database, insert)
    with pytest.raises(StoreError) as caught:
        await write_seven(database, insert)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


async def test_a_damaged_sqlite_file_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreUnavailable):
        await Database.open(f"sqlite:///{path}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def _fill(file: Path) -> None:
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as stream:
        while stream.write(bytes(4096)):
            pass


async def test_a_full_disk_keeps_the_old_state_and_is_over_when_there_is_room(small_disk: Path) -> None:
    database = await Database.open(f"sqlite:///{small_disk}/store.db")
    await start_counter(database)
    ballast = small_disk / "ballast"
    _fill(ballast)
    big = text("UPDATE peers SET instance = :big")
    with pytest.raises(StoreUnavailable, match="the disk is full"):
        await write_seven(database, lambda session: session.execute(big, {"big": "x" * 500_000}))
    assert await count(database) == 0
    ballast.unlink()
    await add(database)
    assert await count(database) == 1
    await database.close()


@pytest.mark.slow
async def test_a_postgresql_server_that_goes_away_is_used_again_when_it_is_back(cluster: Cluster) -> None:
    url = cluster.create_database()
    database = await Database.open(url)
    await start_counter(database)

    async def stop(session: AsyncSession) -> None:
        await asyncio.to_thread(cluster.stop)
        await session.execute(text("SELECT 1"))

    try:
        with pytest.raises(StoreUnavailable):
            await write_seven(database, stop)
        for use in (count, add):
            with pytest.raises(StoreUnavailable):
                await use(database)
        with pytest.raises(StoreUnavailable):
            await Database.open(url)
    finally:
        await asyncio.to_thread(cluster.start)
    await add(database)
    assert await count(database) == 1
    await database.close()
    cluster.drop_database(url)
