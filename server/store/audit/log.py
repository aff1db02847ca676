"""The audit log: who did what, when, and under which snapshot. It is append-only, and hashes chain its records
(`server.store.audit.chain`).

Every method takes a session of `Database.read` or `Database.write`, so that one transaction writes a change and its record. Two
writers cannot fork the chain: writing transactions of all processes take turns. Even a writer that does not wait for its turn
finds the head's row locked until the other ends, and a record's number is a primary key.

`Audit.verify` alone cannot see that somebody put back an old copy of the whole database, with its head and seal. So the head
is noted outside the database (`server.store.audit.noted`), and `witness` is such a note.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.event import listen
from sqlalchemy.ext.asyncio import AsyncSession

from server.store.audit.chain import GENESIS, Fault, Head, Walk, link
from server.store.audit.noted import HeadFile
from server.store.audit.record import (
    AUDIT,
    AUDIT_HEAD,
    AuditError,
    AuditEvent,
    AuditFilter,
    AuditRecord,
    SuppressedTokens,
    body_of,
    head_of,
    iso,
    record_of,
    row_of,
    rows,
    state,
)
from server.store.columns import utc_now

PRUNE = "audit.prune"


@dataclass(frozen=True, slots=True)
class Verification:
    """What `Audit.verify` found.

    Attributes:
        fault: the first fault; None if there is none.
        checked: how many records were checked and hold.
        head: the head of the log.
        sealed: True if the head's seal holds, False if there is no seal, None if there is a seal and no key to check it.
    """

    fault: Fault | None
    checked: int
    head: Head
    sealed: bool | None

    @property
    def ok(self) -> bool:
        """Whether every record is there, in order and unchanged."""
        return self.fault is None


class Audit:
    """The audit log. `key` seals the head, `keep_text` lets it hold texts of requests, `now` returns a time with its zone.

    `noted` is where the head is noted outside the database, after each transaction that moves it.
    """

    def __init__(
        self,
        key: bytes | None = None,
        *,
        keep_text: bool = False,
        now: Callable[[], datetime] = utc_now,
        noted: HeadFile | None = None,
    ) -> None:
        self._noted = noted
        self._key = key
        self._keep_text = keep_text
        self._now = now

    async def append(self, session: AsyncSession, event: AuditEvent) -> AuditRecord:
        """Write one record; see `append_many`."""
        return (await self.append_many(session, [event]))[0]

    async def append_many(self, session: AsyncSession, events: Sequence[AuditEvent]) -> list[AuditRecord]:
        """Write records with consecutive numbers, and return them.

        Raises:
            AuditError: the head's seal does not hold under the key, or there is a seal and no key, or a key and no seal (call
                `seal` for a log that was begun without a key). So writing to a forged log does not seal it.
            TypeError, ValueError: JSON does not have what the details hold.
        """
        if not events:
            return []
        head = await self._locked(session)
        at = iso(self._now())
        records: list[AuditRecord] = []
        previous = head.hash
        for seq, event in enumerate(events, head.seq + 1):
            record = AuditRecord(
                seq, at, event.actor, event.action, list(event.target_ids), event.snapshot, self._details(event), previous, ""
            )
            records.append(replace(record, hash=(previous := link(previous, record.body))))
        await session.execute(insert(AUDIT), [row_of(record) for record in records])
        await self._move(session, replace(head, seq=records[-1].seq, hash=previous, count=head.count + len(records)))
        return records

    async def verify(self, session: AsyncSession, witness: tuple[int, str] | None = None) -> Verification:
        """Read the whole log and find the first fault: a record that was changed, removed, moved or added, or a missing end.

        With the key, this also finds a log that somebody without the key has computed again.

        Args:
            session: one of `Database.read`: it must see one state of the database.
            witness: number and hash of a record that was noted earlier; the log must still have it.

        Raises:
            ValueError: the witness was pruned.
        """
        head, seal, last = await state(session)
        unchecked = None if seal is not None else False
        sealed = unchecked if self._key is None else head.sealed_by(self._key, seal)
        checked = 0

        def result(fault: Fault | None) -> Verification:
            return Verification(fault, checked, head, sealed)

        if fault := head.fault():
            return result(fault)
        if self._key is not None and head.seq and not sealed:
            return result(Fault(head.seq, "seal"))
        if witness and witness[0] < head.anchor_seq:
            raise ValueError(f"record {witness[0]} has been pruned: give a later witness")
        walk, pruned = Walk(head), (0, GENESIS)
        if witness and witness[0] == walk.seq and witness[1] != walk.hash:
            return result(Fault(walk.seq, "changed"))
        async for row in rows(session, head.seq):
            if fault := walk.step(row.seq, row.previous, body_of(row), row.hash):
                return result(fault)
            if witness and witness[0] == walk.seq and witness[1] != walk.hash:
                return result(Fault(walk.seq, "changed"))
            if row.action == PRUNE:
                details = json.loads(row.details)
                pruned = details.get("through_seq"), details.get("through_hash")
            checked += 1
        if fault := walk.end(head):
            return result(fault)
        if last > head.seq:
            return result(Fault(head.seq + 1, "extra"))
        if pruned != (head.anchor_seq, head.anchor_hash):
            return result(Fault(head.anchor_seq + 1, "prune"))
        return result(Fault(witness[0], "truncated") if witness and witness[0] > head.seq else None)

    async def prune(self, session: AsyncSession, before: datetime, actor: str, limit: int = 10_000) -> int:
        """Remove the records before the first that is not older than `before`, at most `limit`, and return how many.

        The head notes where the log begins now, and a record says what was removed. Call this again as long as it removes `limit`
        records, each time in a transaction of its own, so that others can write in between.

        Raises:
            AuditError: a record that would be removed has a fault. It stays, as evidence.
        """
        head = await self._locked(session)
        walk, removed, oldest = Walk(head), 0, iso(before)
        anchor = head.anchor_seq, head.anchor_hash
        async for row in rows(session, head.seq):
            if fault := walk.step(row.seq, row.previous, body_of(row), row.hash):
                raise AuditError(f"nothing was pruned: {fault}")
            if row.at >= oldest or removed == limit:
                break
            removed, anchor = removed + 1, (walk.seq, walk.hash)
        if not removed:
            return 0
        await session.execute(delete(AUDIT).where(AUDIT.c.seq <= anchor[0]))
        await self._move(session, replace(head, count=head.count - removed, anchor_seq=anchor[0], anchor_hash=anchor[1]))
        details = {"through_seq": anchor[0], "through_hash": anchor[1], "removed": removed, "before": oldest}
        await self.append(session, AuditEvent(PRUNE, actor, details=details))
        return removed

    async def seal(self, session: AsyncSession) -> Verification:
        """Seal a log that was begun without a key, if all of it holds.

        Raises:
            AuditError: the log has a fault, or it is sealed already.
            ValueError: this log has no key.
        """
        if self._key is None:
            raise ValueError("sealing the audit log needs a key: give one with --audit-key")
        head = await Audit()._locked(session)
        found = await Audit().verify(session)
        if found.fault:
            raise AuditError(f"the audit log was not sealed: {found.fault}")
        await self._move(session, head)
        return replace(found, sealed=True)

    async def page(
        self, session: AsyncSession, cursor: int | None = None, limit: int = 100, wanted: AuditFilter | None = None
    ) -> tuple[list[AuditRecord], int | None]:
        """Return at most `limit` records, newest first, and the cursor of the next page, None at the end. Raises AuditError."""
        query = select(AUDIT).where(*(wanted or AuditFilter()).clauses())
        if cursor is not None:
            query = query.where(AUDIT.c.seq < cursor)
        found = (await session.execute(query.order_by(AUDIT.c.seq.desc()).limit(limit + 1))).all()
        return [record_of(row) for row in found[:limit]], found[limit - 1].seq if len(found) > limit else None

    async def count(self, session: AsyncSession, wanted: AuditFilter) -> int:
        """Return how many of the records in the log are wanted."""
        return (await session.execute(select(func.count()).select_from(AUDIT).where(*wanted.clauses()))).scalar_one()

    async def suppressed(self, session: AsyncSession, wanted: AuditFilter) -> int:
        """Return how many tokens were suppressed in the answers to the wanted requests. Records without a count add nothing."""
        query = select(func.coalesce(func.sum(SuppressedTokens()), 0)).select_from(AUDIT).where(*wanted.clauses())
        return int((await session.execute(query)).scalar_one())

    async def records(self, session: AsyncSession) -> AsyncIterator[AuditRecord]:
        """Give all records, oldest first. Raises AuditError if a record cannot be read."""
        head, _, _ = await state(session)
        async for row in rows(session, head.seq):
            yield record_of(row)

    def _details(self, event: AuditEvent) -> dict[str, Any]:
        if "text" in event.details:
            raise ValueError("details may not hold a text: use `AuditEvent.text`")
        kept = {**event.details, "text": dict(event.text)} if self._keep_text and event.text else dict(event.details)
        # In the form in which it is read again: keys that are numbers become texts, tuples become lists.
        read: dict[str, Any] = json.loads(json.dumps(kept, allow_nan=False))
        return read

    async def _locked(self, session: AsyncSession) -> Head:
        # This statement comes first, so that SQLite's transaction writes from its start. Both databases know it in this form.
        await session.execute(
            text(
                "INSERT INTO audit_head (id, seq, hash, count, anchor_seq, anchor_hash) VALUES (1, 0, :genesis, 0, 0, :genesis) "
                "ON CONFLICT (id) DO NOTHING"
            ),
            {"genesis": GENESIS},
        )
        row = (await session.execute(select(AUDIT_HEAD).where(AUDIT_HEAD.c.id == 1).with_for_update())).one()
        head = head_of(row)
        if fault := head.fault():
            raise AuditError(str(fault))
        if not head.seq and (await state(session))[2]:
            raise AuditError("the audit log has records and no head: somebody removed it")
        if self._key is None and row.seal is not None:
            raise AuditError("the audit log is sealed: give its key with --audit-key or GUARD_AUDIT_KEY")
        if self._key is not None and head.seq and not head.sealed_by(self._key, row.seal):
            raise AuditError(
                "the audit log is not sealed under this key: give its own, or run `guard-server audit seal` if it has none"
            )
        if self._noted:
            self._noted.follows(head)
        return head

    async def _move(self, session: AsyncSession, head: Head) -> None:
        seal = head.seal(self._key) if self._key else None
        await session.execute(update(AUDIT_HEAD).where(AUDIT_HEAD.c.id == 1).values(**asdict(head), seal=seal))
        if noted := self._noted:
            listen(session.sync_session, "after_commit", lambda _: noted.write(head), once=True)
