from __future__ import annotations

from datetime import timedelta

from server.store import Database, Quotas, Use

quotas = Quotas()


async def test_a_bucket_is_shared_and_gains_with_the_time_of_the_database(database: Database) -> None:
    async with database.write() as session:
        now = await database.now(session)
        use = Use(4, 60, 10.0)
        assert await quotas.take(session, {"a": use, "b": Use(0, 60, 5.0)}, now) == {"a": 6.0, "b": 5.0}
        assert await quotas.take(session, {"a": use}, now) == {"a": 2.0}
        # 60 a minute: one each second; and more than what is there may be taken, because it has been granted already.
        assert await quotas.take(session, {"a": use}, now + timedelta(seconds=1)) == {"a": -1.0}
        assert await quotas.take(session, {"a": Use(0, 60, 10.0)}, now + timedelta(seconds=3)) == {"a": 1.0}
        # It never holds more than its size.
        assert await quotas.take(session, {"a": use}, now + timedelta(hours=1)) == {"a": 6.0}


async def test_a_clock_that_goes_back_gives_nothing_and_takes_nothing(database: Database) -> None:
    async with database.write() as session:
        now = await database.now(session)
        await quotas.take(session, {"a": Use(4, 60, 10.0)}, now)
        before = now - timedelta(hours=1)
        assert await quotas.take(session, {"a": Use(1, 60, 10.0)}, before) == {"a": 5.0}
        assert await quotas.take(session, {"a": Use(0, 60, 10.0)}, before + timedelta(seconds=2)) == {"a": 7.0}


async def test_what_nobody_uses_is_forgotten(database: Database) -> None:
    async with database.write() as session:
        now = await database.now(session)
        await quotas.take(session, {"a": Use(4, 60, 10.0)}, now)
        await quotas.expire(session, now + timedelta(hours=23))
        assert await quotas.take(session, {"a": Use(0, 1, 10.0)}, now) == {"a": 6.0}
        await quotas.expire(session, now + timedelta(hours=25))
        assert await quotas.take(session, {"a": Use(0, 1, 10.0)}, now) == {"a": 10.0}
