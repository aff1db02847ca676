"""A record of the audit log: what is written, how it is kept, and how it is asked for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, Integer, Row, String, Table, Text, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from server.store.audit.chain import Head, canonical
from server.store.base import Base
from server.store.errors import StoreError

PRUNE = "audit.prune"
REQUEST = "request.decision"
"""A request about targets was answered, or refused."""
SCREEN = "screen.decision"
"""A text about targets was screened, and nothing generated."""
_BATCH = 1000
_HASHED = ("seq", "at", "actor", "action", "target_ids", "snapshot", "details")
# In SQLite only the type INTEGER makes a primary key that holds nothing but numbers.
_NUMBER = BigInteger().with_variant(Integer, "sqlite")

# Times and lists are kept as the text that was hashed: read back, they must be the same to the last character in any database.
AUDIT = Table(
    "audit",
    Base.metadata,
    Column("seq", _NUMBER, primary_key=True, autoincrement=False),
    Column("at", String(27), nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target_ids", Text, nullable=False),
    Column("snapshot", BigInteger),
    Column("details", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

AUDIT_HEAD = Table(
    "audit_head",
    Base.metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("anchor_seq", BigInteger, nullable=False),
    Column("anchor_hash", String(64), nullable=False),
    Column("seal", String(64)),
)


class AuditError(StoreError):
    """The audit log is not what it should be, so nothing is written to it. The message names places, never contents."""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """What is to be recorded.

    `actor` is a key's id, `cli` or `system`; `action` is like `target.create`. `details` is JSON: ids, scores, counts, times;
    no text of a prompt, an answer or a phrase. Such text goes into `text`, which is kept only if the log was told to keep it.
    """

    action: str
    actor: str
    target_ids: Sequence[str] = ()
    snapshot: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    text: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One record as written. `at` is ISO 8601 in UTC with microseconds; `hash` is `link(previous, canonical(the rest))`."""

    seq: int
    at: str
    actor: str
    action: str
    target_ids: list[str]
    snapshot: int | None
    details: dict[str, Any]
    previous: str
    hash: str

    @property
    def body(self) -> str:
        """What is hashed, canonically."""
        return canonical({name: getattr(self, name) for name in _HASHED})


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which records are wanted: all that are given must hold. `since` is included, `until` is not."""

    actor: str | None = None
    action: str | None = None
    target_id: str | None = None
    decision_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def clauses(self) -> list[ColumnElement[bool]]:
        """Return the conditions for SQL."""
        found: list[ColumnElement[bool]] = []
        for name in ("actor", "action"):
            if (value := getattr(self, name)) is not None:
                found.append(AUDIT.c[name] == value)
        if self.target_id is not None:
            found.append(_has(AUDIT.c.target_ids, canonical(self.target_id)))
        if self.decision_id is not None:
            found.append(_has(AUDIT.c.details, f'"decision_id":{canonical(self.decision_id)}'))
        if self.since is not None:
            found.append(AUDIT.c.at >= iso(self.since))
        if self.until is not None:
            found.append(AUDIT.c.at < iso(self.until))
        return found


def decision_event(
    action: str,
    *,
    actor: str,
    decision_id: str,
    verdict: str,
    scores: Mapping[str, float],
    snapshot: int,
    latency_ms: float,
    text: Mapping[str, str] | None = None,
) -> AuditEvent:
    """Return the record of a decision, REQUEST or SCREEN: the targets matched with their scores, and the time it took (ms)."""
    details = {
        "decision_id": decision_id,
        "verdict": verdict,
        "scores": dict(scores),
        "latency_ms": round(latency_ms, 3),
    }
    return AuditEvent(action, actor, sorted(scores), snapshot, details, text)


def counted(event: AuditEvent, suppressed: int | None) -> AuditEvent:
    """Return the record of a request with the number of tokens that were suppressed in its answer; None: it is not known."""
    return replace(event, details={**event.details, "suppressed": suppressed})


class SuppressedTokens(FunctionElement[int]):
    """The number of suppressed tokens in a record's details as SQL reads it; NULL where none was counted."""

    inherit_cache = True
    type = BigInteger()


@compiles(SuppressedTokens)
def _in_sqlite(element: SuppressedTokens, compiler: SQLCompiler, **_: Any) -> str:
    return f"json_extract({compiler.process(AUDIT.c.details)}, '$.suppressed')"


@compiles(SuppressedTokens, "postgresql")
def _in_postgresql(element: SuppressedTokens, compiler: SQLCompiler, **_: Any) -> str:
    return f"CAST(CAST({compiler.process(AUDIT.c.details)} AS json) ->> 'suppressed' AS bigint)"


def iso(moment: datetime) -> str:
    """Return a time as it is kept: ISO 8601 in UTC with microseconds, so that order as text is order in time.

    Raises ValueError for a time without a zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a time needs a time zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def row_of(record: AuditRecord) -> dict[str, Any]:
    """Return the columns of a record."""
    columns = {column.name: getattr(record, column.name) for column in AUDIT.columns}
    return columns | {"target_ids": canonical(record.target_ids), "details": canonical(record.details)}


def record_of(row: Row[Any]) -> AuditRecord:
    """Return the record in a row. Raises AuditError for one that cannot be read."""
    try:
        columns = row._asdict()
        return AuditRecord(**columns | {"target_ids": json.loads(row.target_ids), "details": json.loads(row.details)})
    except (ValueError, TypeError, RecursionError):
        raise AuditError(f"record {row.seq} cannot be read") from None


def body_of(row: Row[Any]) -> str | None:
    """Return the canonical body of what is in a row; None if the row is not one that was written by this module."""
    try:
        record = record_of(row)
        body = record.body
        body.encode()
        return body if (canonical(record.target_ids), canonical(record.details)) == (row.target_ids, row.details) else None
    except (AuditError, ValueError, TypeError, RecursionError):
        return None


async def rows(session: AsyncSession, upto: int) -> AsyncIterator[Row[Any]]:
    """Give the rows numbered at most `upto` in order, a batch of them in memory at a time."""
    query = select(AUDIT).where(AUDIT.c.seq <= upto).order_by(AUDIT.c.seq).limit(_BATCH)
    batch = (await session.execute(query)).all()
    while batch:
        for row in batch:
            yield row
        batch = (await session.execute(query.where(AUDIT.c.seq > batch[-1].seq))).all()


async def state(session: AsyncSession) -> tuple[Head, str | None, int]:
    """Return the head, its seal and the number of the last record there is (0: none), as of one moment."""
    last = select(func.coalesce(func.max(AUDIT.c.seq), 0)).scalar_subquery()
    row = (await session.execute(select(AUDIT_HEAD, last.label("last")).where(AUDIT_HEAD.c.id == 1))).one_or_none()
    if row is None:
        return Head(), None, (await session.execute(select(last))).scalar_one()
    return head_of(row), row.seal, row.last


def head_of(row: Row[Any]) -> Head:
    """Return the head in a row."""
    # `count` is also a method of a row, so it is asked for by name.
    columns = row._mapping
    return Head(row.seq, row.hash, columns["count"], row.anchor_seq, row.anchor_hash)


def _has(column: Column[Any], part: str) -> ColumnElement[bool]:
    # LIKE would ignore case in SQLite. A quote inside a JSON string is escaped: a part in quotes is found only where it is whole.
    return func.replace(column, part, "") != column
