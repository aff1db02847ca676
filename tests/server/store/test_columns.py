"""Times are points in time, whatever the database makes of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, select
from sqlalchemy.exc import StatementError

from server.store import Database
from server.store.columns import UtcDateTime, utc_now
from server.store.peers import PEERS, Peers


async def test_times_keep_their_order_and_come_back_in_utc(database: Database) -> None:
    zone = timezone(timedelta(hours=-11))
    moments = [datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=zone), datetime(2000, 1, 1, 11, 0, tzinfo=UTC), utc_now()]
    async with database.write() as session:
        for number, moment in enumerate(moments):
            await Peers().register(session, str(number), moment, 0.0)
    async with database.read() as session:
        rows = (await session.execute(select(PEERS.c.started_at).order_by(PEERS.c.started_at))).scalars().all()
        later = await session.execute(select(PEERS.c.instance).where(PEERS.c.started_at > moments[0]).order_by(PEERS.c.instance))
        assert later.scalars().all() == ["1", "2"]
    assert list(rows) == moments
    assert all(row.tzinfo is UTC for row in rows)


def test_a_time_without_a_zone_is_refused() -> None:
    table = Table("t", MetaData(), Column("id", Integer, primary_key=True), Column("at", UtcDateTime))
    engine = create_engine("sqlite://")
    table.create(engine)
    with engine.begin() as connection, pytest.raises(StatementError, match="without a zone"):
        connection.execute(table.insert().values(at=datetime(2026, 1, 1)))
    engine.dispose()
