"""Engines: a committed write is on the disk, and an error says no more than its kind."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from server.store import Database, StoreUnavailable
from tests.server.store.conftest import Cluster
from tests.server.store.database.counter import AT, COUNTER, SECRET, add, count, start_counter, write_seven


async def test_a_sqlite_file_is_its_owners_alone_and_committed_to_disk(tmp_path: Path) -> None:
    folder = tmp_path / "50% of all"
    database = await Database.open(f"sqlite:///{folder}/store.db")
    async with database.write() as session:
        await session.execute(text(COUNTER.replace(":at", f"'{AT}'")))
        pragmas = [
            (await session.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        ]
        assert pragmas == ["wal", 2, 1, 1]
    modes = {file.name: oct(file.stat().st_mode & 0o777) for file in folder.iterdir()}
    assert modes == dict.fromkeys(("store.db", "store.db-wal", "store.db-shm"), "0o600")
    await database.close()


async def test_a_sqlite_file_that_was_moved_away_is_gone_until_it_is_back(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    database = await Database.open(f"sqlite:///{path}")
    await start_counter(database)
    await database.scrub()
    path.rename(tmp_path / "elsewhere.db")
    with pytest.raises(StoreUnavailable):
        await add(database)
    assert not path.exists()
    (tmp_path / "elsewhere.db").rename(path)
    await add(database)
    assert await count(database) == 1
    await database.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "reason"), [("53100", "the disk is full"), ("58030", "the disk failed"), ("57P01", "stopping or starting")]
)
async def test_what_postgresql_cannot_do_now_is_told_as_such(cluster: Cluster, code: str, reason: str) -> None:
    url = cluster.create_database()
    database = await Database.open(url)
    await start_counter(database)
    failing = text(f"DO $$ BEGIN RAISE EXCEPTION '{SECRET}' USING ERRCODE = '{code}'; END $$")
    with pytest.raises(StoreUnavailable, match=reason) as caught:
        await write_seven(database, lambda session: session.execute(failing))
    assert SECRET not in str(caught.value)
    assert await count(database) == 0
    await database.close()
    cluster.drop_database(url)
