"""Reads targets: one, a page, a history, all of them, how far they are enforced, and which have expired."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, Row, Table, and_, exists, func, literal, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from server.store.errors import TargetNotFound
from server.store.records import StoredTarget, StoredVersion, TargetPage, storable
from server.store.tables import STATUSES, Status, TargetRow, TargetVersionRow
from server.store.targets.cursor import decode_cursor, encode_cursor

TARGETS: Table = TargetRow.metadata.tables[TargetRow.__tablename__]
VERSIONS: Table = TargetRow.metadata.tables[TargetVersionRow.__tablename__]
MAX_PAGE = 1000
WANTED: tuple[Status, ...] = ("pending", "active")
"""The statuses of targets that are to be enforced."""
_IN_ONE_STATEMENT = 1000


class Standing(NamedTuple):
    """How far a target is enforced: its latest version and status, and the version that the active snapshot enforces."""

    id: str
    version: int
    status: Status
    active_version: int | None

    @property
    def wanted(self) -> bool:
        """Whether the target is to be enforced."""
        return self.status in WANTED


class TargetReader:
    """Reads targets. Every method takes the session to read with."""

    async def get(self, session: AsyncSession, target_id: str, *, deleted: bool = False) -> StoredTarget:
        """Return the target; a deleted one only if `deleted`. Raises TargetNotFound if there is none."""
        found = await self.find(session, [target_id])
        if target_id not in found or (found[target_id].status == "deleted" and not deleted):
            raise TargetNotFound(target_id)
        return found[target_id]

    async def find(self, session: AsyncSession, target_ids: Iterable[str]) -> dict[str, StoredTarget]:
        """Return the targets with these ids, by id, deleted ones as well. Ids without a target are left out."""
        wanted = [target_id for target_id in target_ids if storable(target_id)]
        found: dict[str, StoredTarget] = {}
        for part in chunks(wanted):
            rows = await session.execute(select(TARGETS).where(TARGETS.c.id.in_(part)))
            found.update((row.id, _stored(row)) for row in rows)
        return found

    async def page(
        self,
        session: AsyncSession,
        *,
        cursor: str | None = None,
        limit: int = 100,
        status: Status | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> TargetPage:
        """Return at most `limit` targets after `cursor`, oldest first, with this status and all of these labels.

        Deleted targets are listed only with `status="deleted"`. Targets that are created between two pages come at the end.

        Raises:
            InvalidCursor: the cursor is not of this list.
            ValueError: `limit` is not 1 to 1000.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise ValueError(f"a page has 1 to {MAX_PAGE} targets")
        wanted = dict(labels or {})
        filters = json.dumps([status, sorted(wanted.items())])
        conditions = [TARGETS.c.status == status if status else TARGETS.c.status != "deleted"]
        if cursor is not None:
            after = decode_cursor(cursor, filters)
            here = tuple_(TARGETS.c.created_at, TARGETS.c.id)
            conditions.append(here > tuple_(literal(after[0], TARGETS.c.created_at.type), literal(after[1], TARGETS.c.id.type)))
        if not all(storable(text) for label in wanted.items() for text in label):
            return TargetPage([], None)
        conditions += [_has_label(session, name, value) for name, value in wanted.items()]
        query = select(TARGETS).where(*conditions).order_by(TARGETS.c.created_at, TARGETS.c.id).limit(limit + 1)
        targets = [_stored(row) for row in await session.execute(query)]
        if len(targets) <= limit:
            return TargetPage(targets, None)
        last = targets[limit - 1]
        return TargetPage(targets[:limit], encode_cursor(last.created_at, last.id, filters))

    async def history(self, session: AsyncSession, target_id: str) -> list[StoredVersion]:
        """Return all versions, oldest first. Raises TargetNotFound if there never was a target with this id."""
        rows: Sequence[Row[Any]] = []
        if storable(target_id):
            query = select(VERSIONS).where(VERSIONS.c.target_id == target_id).order_by(VERSIONS.c.version)
            rows = (await session.execute(query)).all()
        if not rows:
            raise TargetNotFound(target_id)
        names = StoredVersion.__dataclass_fields__
        return [StoredVersion(**{name: row._mapping[name] for name in names}) for row in rows]

    async def batches(
        self, session: AsyncSession, statuses: Collection[Status] = WANTED, size: int = 500
    ) -> AsyncIterator[list[StoredTarget]]:
        """Give the latest versions of all targets with one of these statuses, `size` at a time, in the order of their ids."""
        query = select(TARGETS).where(TARGETS.c.status.in_(list(statuses)))
        async for rows in _by_id(session, query, size):
            yield [_stored(row) for row in rows]

    async def unsettled(self, session: AsyncSession, also: Collection[str] = (), everything: bool = False) -> list[Standing]:
        """Return how far targets are enforced, without reading their documents.

        Args:
            session: the session to read with.
            also: ids of targets to return in any case.
            everything: return all targets. Otherwise, return `also` and the targets whose latest version the active snapshot does
                not enforce as wanted.
        """
        columns = [TARGETS.c[name] for name in Standing._fields]
        wanted, active = TARGETS.c.status.in_(WANTED), TARGETS.c.active_version
        differs = or_(and_(wanted, active.is_distinct_from(TARGETS.c.version)), and_(~wanted, active.is_not(None)))
        queries = [select(*columns)] if everything else [select(*columns).where(differs)]
        if not everything:
            queries += [select(*columns).where(TARGETS.c.id.in_(part)) for part in chunks(list(also))]
        found = [Standing(*row) for query in queries for row in await session.execute(query)]
        return list({standing.id: standing for standing in found}.values())

    async def expired(self, session: AsyncSession, now: datetime, limit: int = MAX_PAGE) -> list[StoredTarget]:
        """Return targets that have expired at `now` and are not deleted, the earliest expiry first, at most `limit`."""
        query = select(TARGETS).where(TARGETS.c.expires_at <= now, TARGETS.c.status != "deleted")
        rows = await session.execute(query.order_by(TARGETS.c.expires_at, TARGETS.c.id).limit(limit))
        return [_stored(row) for row in rows]

    async def counts(self, session: AsyncSession) -> dict[Status, int]:
        """Return how many targets have each status."""
        rows = await session.execute(select(TARGETS.c.status, func.count()).group_by(TARGETS.c.status))
        found = {status: int(count) for status, count in rows}
        return {status: found.get(status, 0) for status in STATUSES}


def chunks(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    """Give the ids in parts that fit into one statement."""
    return (ids[start : start + _IN_ONE_STATEMENT] for start in range(0, len(ids), _IN_ONE_STATEMENT))


def _stored(row: Row[Any]) -> StoredTarget:
    return StoredTarget(**row._mapping)


async def _by_id(session: AsyncSession, query: Any, size: int) -> AsyncIterator[Sequence[Row[Any]]]:
    after = ""
    while rows := (await session.execute(query.where(TARGETS.c.id > after).order_by(TARGETS.c.id).limit(size))).all():
        yield rows
        after = rows[-1].id


def _has_label(session: AsyncSession, name: str, value: str) -> ColumnElement[bool]:
    # Rows, not a JSON path: a name may hold any character, and the databases quote it differently in a path.
    each = func.json_each if session.get_bind().dialect.name == "sqlite" else func.json_each_text
    pairs = each(TARGETS.c.labels).table_valued("key", "value")
    return cast("ColumnElement[bool]", exists(select(literal(1)).where(pairs.c.key == name, pairs.c.value == value)))
