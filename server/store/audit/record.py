"""A record of the audit log: what it holds, how it is stored, and how records are selected."""

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

REQUEST = "request.decision"
"""The action of a record: a request about targets was answered or refused."""
SCREEN = "screen.decision"
"""The action of a record: a text about targets was screened, and nothing was generated."""
OUTPUT = "output.detection"
"""The action of a record: an answer turned out to be about a target that its prompt did not show."""
_BATCH = 1000
_HASHED = ("seq", "at", "actor", "action", "target_ids", "snapshot", "details")
# In SQLite, only a primary key of the type INTEGER refuses everything but numbers.
_NUMBER = BigInteger().with_variant(Integer, "sqlite")

# Times and lists are stored as the text that was hashed, so that every database returns them unchanged.
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
    """The audit log has a fault, so nothing is written to it. The message names places and holds no content."""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """What is to be recorded.

    Attributes:
        action: what was done, such as `target.create`.
        actor: who did it: a key's id, `cli` or `system`.
        target_ids: the targets that it was done to.
        snapshot: the number of the policy snapshot.
        details: JSON with ids, scores, counts and times. It holds no text of a prompt, an answer or a phrase.
        text: such texts. The log stores them only with `keep_text`.
    """

    action: str
    actor: str
    target_ids: Sequence[str] = ()
    snapshot: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    text: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One record as it is stored. `at` is ISO 8601 in UTC with microseconds; `hash` is `link(previous, body)`."""

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
        """The canonical form of what is hashed."""
        return canonical({name: getattr(self, name) for name in _HASHED})


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which records are wanted: those for which all given conditions hold. `since` is included, `until` is not."""

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
    evidence: Mapping[str, str] | None = None,
    text: Mapping[str, str] | None = None,
) -> AuditEvent:
    """Return the record of a decision.

    Args:
        action: `REQUEST` or `SCREEN`.
        actor: the id of the key that sent the text.
        decision_id: names the decision.
        verdict: what was decided.
        scores: the score of each matched target, by its id.
        snapshot: the number of the policy snapshot that decided.
        latency_ms: milliseconds that the decision took.
        evidence: why each target was found, by its id; it holds nothing of the text or the target.
        text: the texts of the request, if they may be stored.
    """
    details = {
        "decision_id": decision_id,
        "verdict": verdict,
        "scores": dict(scores),
        "latency_ms": round(latency_ms, 3),
    } | ({"evidence": dict(evidence)} if evidence else {})
    return AuditEvent(action, actor, sorted(scores), snapshot, details, text)


def output_event(*, actor: str, decision_id: str, target_id: str, snapshot: int) -> AuditEvent:
    """Return the record of a target that was found in an answer.

    Args:
        actor: the id of the key that sent the request.
        decision_id: names the decision about the request.
        target_id: the target.
        snapshot: the number of the policy snapshot that decided.
    """
    return AuditEvent(OUTPUT, actor, [target_id], snapshot, {"decision_id": decision_id, "evidence": "output"})


def counted(event: AuditEvent, suppressed: int | None) -> AuditEvent:
    """Return the record of a request with the number of tokens that were suppressed in its answer; None if it is not known."""
    return replace(event, details={**event.details, "suppressed": suppressed})


class SuppressedTokens(FunctionElement[int]):
    """The number of suppressed tokens in a record's details, in SQL; NULL if none were counted."""

    inherit_cache = True
    type = BigInteger()


@compiles(SuppressedTokens)
def _in_sqlite(element: SuppressedTokens, compiler: SQLCompiler, **_: Any) -> str:
    return f"json_extract({compiler.process(AUDIT.c.details)}, '$.suppressed')"


@compiles(SuppressedTokens, "postgresql")
def _in_postgresql(element: SuppressedTokens, compiler: SQLCompiler, **_: Any) -> str:
    return f"CAST(CAST({compiler.process(AUDIT.c.details)} AS json) ->> 'suppressed' AS bigint)"


def iso(moment: datetime) -> str:
    """Return a time as it is stored: ISO 8601 in UTC with microseconds, so that texts sort like times.

    Raises:
        ValueError: the time has no zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a time without a zone: give one, such as UTC")
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def row_of(record: AuditRecord) -> dict[str, Any]:
    """Return the columns of a record."""
    columns = {column.name: getattr(record, column.name) for column in AUDIT.columns}
    return columns | {"target_ids": canonical(record.target_ids), "details": canonical(record.details)}


def record_of(row: Row[Any]) -> AuditRecord:
    """Return the record in a row. Raises AuditError if it cannot be read."""
    try:
        columns = row._asdict()
        return AuditRecord(**columns | {"target_ids": json.loads(row.target_ids), "details": json.loads(row.details)})
    except (ValueError, TypeError, RecursionError):
        raise AuditError(f"record {row.seq} cannot be read") from None


def body_of(row: Row[Any]) -> str | None:
    """Return the canonical body of a row; None if this module did not write the row."""
    try:
        record = record_of(row)
        body = record.body
        body.encode()
        return body if (canonical(record.target_ids), canonical(record.details)) == (row.target_ids, row.details) else None
    except (AuditError, ValueError, TypeError, RecursionError):
        return None


async def rows(session: AsyncSession, upto: int) -> AsyncIterator[Row[Any]]:
    """Give the rows with numbers up to `upto` in order, with one batch in memory at a time."""
    query = select(AUDIT).where(AUDIT.c.seq <= upto).order_by(AUDIT.c.seq).limit(_BATCH)
    batch = (await session.execute(query)).all()
    while batch:
        for row in batch:
            yield row
        batch = (await session.execute(query.where(AUDIT.c.seq > batch[-1].seq))).all()


async def state(session: AsyncSession) -> tuple[Head, str | None, int]:
    """Return the head, its seal and the number of the last record (0 if there is none), all of one moment."""
    last = select(func.coalesce(func.max(AUDIT.c.seq), 0)).scalar_subquery()
    row = (await session.execute(select(AUDIT_HEAD, last.label("last")).where(AUDIT_HEAD.c.id == 1))).one_or_none()
    if row is None:
        return Head(), None, (await session.execute(select(last))).scalar_one()
    return head_of(row), row.seal, row.last


def head_of(row: Row[Any]) -> Head:
    """Return the head in a row."""
    # A row has a method `count` as well, so the column is read from the mapping.
    columns = row._mapping
    return Head(row.seq, row.hash, columns["count"], row.anchor_seq, row.anchor_hash)


def _has(column: Column[Any], part: str) -> ColumnElement[bool]:
    # LIKE would ignore case in SQLite. JSON escapes quotes in strings, so a part in quotes is found only as a whole string.
    return func.replace(column, part, "") != column
