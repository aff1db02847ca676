"""Writes rows of targets and of their history, many in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.store.records import RAW_FIELDS, StoredTarget
from server.store.tables import IdempotencyRow
from server.store.targets.reader import TARGETS, VERSIONS, chunks

IDEMPOTENCY: Table = IdempotencyRow.metadata.tables[IdempotencyRow.__tablename__]
DIGESTS = ("always_digest", "gated_digest")
_HISTORY = ("version", "status", "document", *DIGESTS)


def row_of(target: StoredTarget) -> dict[str, Any]:
    """Return the target as a row of its table."""
    return {column.name: getattr(target, column.name) for column in TARGETS.c}


async def write(session: AsyncSession, targets: Sequence[StoredTarget]) -> None:
    """Update the rows of these targets."""
    if not targets:
        return
    names = [column.name for column in TARGETS.c if column.name != "id"]
    statement = update(TARGETS).where(TARGETS.c.id == bindparam("of_id"))
    statement = statement.values({name: bindparam(f"new_{name}") for name in names})
    await session.execute(
        statement, [{"of_id": target.id, **{f"new_{name}": getattr(target, name) for name in names}} for target in targets]
    )


async def record(session: AsyncSession, targets: Sequence[StoredTarget], actor: str, at: datetime, reason: str | None) -> None:
    """Add these versions of targets to the history."""
    if not targets:
        return
    shared = {"actor": actor, "at": at, "reason": reason}
    rows = [{"target_id": t.id, **shared, **{name: getattr(t, name) for name in _HISTORY}} for t in targets]
    await session.execute(insert(VERSIONS), rows)


async def versions_of(session: AsyncSession, target_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return all versions of these targets: `of_id`, `of_version` and `document`."""
    found: list[dict[str, Any]] = []
    for part in chunks(target_ids):
        rows = await session.execute(
            select(VERSIONS.c.target_id, VERSIONS.c.version, VERSIONS.c.document).where(VERSIONS.c.target_id.in_(part))
        )
        found += [{"of_id": row.target_id, "of_version": row.version, "document": row.document} for row in rows]
    return found


def has_raw(document: Mapping[str, Any] | None) -> bool:
    """Whether the document has examples or documents."""
    return document is not None and any(document.get(name) for name in RAW_FIELDS)


async def remove_raw(session: AsyncSession, versions: Sequence[dict[str, Any]]) -> None:
    """Remove examples and documents from these versions (see `versions_of`), and from the targets that are at them."""
    emptied: dict[str, Any] = {name: [] for name in RAW_FIELDS}
    rows = [
        {"of_id": version["of_id"], "of_version": version["of_version"], "new_document": version["document"] | emptied}
        for version in versions
        if has_raw(version["document"])
    ]
    if rows:
        for table in (TARGETS, VERSIONS):
            await session.execute(of_version(table).values(document=bindparam("new_document")), rows)


def of_version(table: Table) -> Any:
    """Return an update statement for the rows of one version, with the parameters `of_id` and `of_version`."""
    target_id = table.c.id if table is TARGETS else table.c.target_id
    return update(table).where(target_id == bindparam("of_id"), table.c.version == bindparam("of_version"))
