"""Records of the audit log: what is written, and how it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from server.store.audit.log import Audit
from server.store.audit.record import (
    REQUEST,
    AuditEvent,
    AuditFilter,
    AuditRecord,
    decision_event,
    iso,
)
from server.store.database.database import Database

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Clock:
    """A time that goes on by a minute whenever it is asked for."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


async def write(database: Database, audit: Audit, what: Sequence[AuditEvent]) -> list[AuditRecord]:
    async with database.write() as session:
        return await audit.append_many(session, what)


async def test_filters(database: Database) -> None:
    audit = Audit(now=Clock())
    await write(database, audit, [AuditEvent("target.create", "cli", ["ada"]), AuditEvent("target.create", "k1", ["ada-2", "x"])])
    scores = {"ada": 0.5}
    decision = decision_event(
        REQUEST, actor="k1", decision_id="gd-7", verdict="restrict", scores=scores, snapshot=1, latency_ms=1
    )
    await write(database, audit, [decision, replace(decision, target_ids=["ADA", 'a"ada"'])])
    cases = [
        (AuditFilter(), [4, 3, 2, 1]),
        (AuditFilter(actor="k1"), [4, 3, 2]),
        (AuditFilter(action="target.create", actor="k1"), [2]),
        (AuditFilter(target_id="ada"), [3, 1]),
        (AuditFilter(target_id="%"), []),
        (AuditFilter(decision_id="gd-7"), [4, 3]),
        (AuditFilter(decision_id="gd-"), []),
        (AuditFilter(since=NOON + timedelta(minutes=2)), [4, 3]),
        (AuditFilter(until=NOON + timedelta(minutes=2)), [2, 1]),
    ]
    async with database.read() as session:
        for wanted, expected in cases:
            records, _ = await audit.page(session, wanted=wanted)
            assert [record.seq for record in records] == expected, wanted
            assert await audit.count(session, wanted) == len(expected)


def test_a_time_needs_a_zone() -> None:
    with pytest.raises(ValueError):
        iso(datetime(2026, 1, 1))
