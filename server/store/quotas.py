"""Quotas: token buckets that the servers on one store share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.store.tables import QuotaRow

QUOTAS: Table = QuotaRow.metadata.tables[QuotaRow.__tablename__]
# So many buckets fit into one statement on every database.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Use:
    """What was taken of a bucket: `count` tokens. It gains `rate_per_minute` tokens, and holds at most `size`."""

    count: int
    rate_per_minute: int
    size: float


class Quotas:
    """The repository of buckets. Methods take a session of `Database.write`, which no other process has at the same time."""

    async def take(self, session: AsyncSession, uses: Mapping[str, Use], now: datetime) -> dict[str, float]:
        """Take tokens of buckets, whether or not they have as many, and return how many each has then.

        A bucket that is not known is full. `now` is the database's time (`Database.now`). If it went back, nothing is gained.
        """
        left: dict[str, float] = {}
        names = list(uses)
        for start in range(0, len(names), _AT_ONCE):
            known = select(QUOTAS).where(QUOTAS.c.bucket.in_(names[start : start + _AT_ONCE]))
            for row in await session.execute(known):
                use = uses[row.bucket]
                gained = max(0.0, (now - row.at).total_seconds()) * use.rate_per_minute / 60
                left[row.bucket] = min(use.size, row.tokens + gained) - use.count
                if use.count:
                    statement = update(QUOTAS).where(QUOTAS.c.bucket == row.bucket)
                    await session.execute(statement.values(tokens=left[row.bucket], at=now))
        # A bucket that nobody has taken anything of needs no row: it is full.
        made = {name: use.size - use.count for name, use in uses.items() if name not in left}
        if rows := [{"bucket": name, "tokens": made[name], "at": now} for name in made if uses[name].count]:
            await session.execute(insert(QUOTAS), rows)
        return left | made

    async def expire(self, session: AsyncSession, now: datetime) -> None:
        """Remove the buckets that nobody has used for a day."""
        await session.execute(delete(QUOTAS).where(QUOTAS.c.at < now - timedelta(days=1)))
