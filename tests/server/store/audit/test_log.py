"""The audit log holds what was written to it, and shows what was done to it since."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from server.store.audit.chain import GENESIS, Head, link
from server.store.audit.log import PRUNE, Audit
from server.store.audit.record import (
    AUDIT,
    AUDIT_HEAD,
    REQUEST,
    SCREEN,
    AuditError,
    AuditEvent,
    AuditFilter,
    AuditRecord,
    counted,
    decision_event,
    iso,
    row_of,
)
from server.store.base import Base
from server.store.database.database import Database

KEY = b"k" * 32
OTHER = b"o" * 32
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECRET = "Ada Byron lived in Kirkby"


class Clock:
    """A time that goes on by a minute whenever it is asked for."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


def events(count: int) -> list[AuditEvent]:
    return [AuditEvent("target.create", "cli", [f"target-{i}"], i, {"n": i}) for i in range(count)]


async def write(database: Database, audit: Audit, what: Sequence[AuditEvent]) -> list[AuditRecord]:
    async with database.write() as session:
        return await audit.append_many(session, what)


async def export(session: AsyncSession) -> list[AuditRecord]:
    return [record async for record in Audit().records(session)]


@asynccontextmanager
async def memory() -> AsyncIterator[AsyncSession]:
    """A session on an empty database in memory: one an example, in milliseconds."""
    engine = create_async_engine("sqlite+aiosqlite://")
    async with engine.connect() as connection:
        await connection.run_sync(lambda plain: Base.metadata.create_all(plain, [AUDIT, AUDIT_HEAD]))
        async with AsyncSession(connection) as session:
            yield session
    await engine.dispose()


def reference(records: Sequence[AuditRecord]) -> bool:
    """Whether a chain from the first record on holds, computed from the export alone."""
    previous = "0" * 64
    for seq, record in enumerate(records, 1):
        body = asdict(record)
        shown = body.pop("hash")
        if (body["seq"], body.pop("previous")) != (seq, previous):
            return False
        content = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        previous = hashlib.sha256((previous + content).encode("utf-8")).hexdigest()
        if shown != previous:
            return False
    return True


async def test_records_are_numbered_and_chained(database: Database) -> None:
    audit = Audit(now=Clock())
    written = await write(database, audit, events(3)) + await write(database, audit, events(2))
    async with database.read() as session:
        read = await export(session)
        found = await audit.verify(session)
    assert read == written
    assert [record.seq for record in read] == [1, 2, 3, 4, 5]
    assert read[0].at == "2026-11-21T12:01:00.000000Z"
    assert reference(read)
    assert (found.ok, found.checked, found.sealed) == (True, 5, False)
    assert (found.head.seq, found.head.hash) == (5, read[-1].hash)


async def test_an_empty_log_holds(database: Database) -> None:
    async with database.read() as session:
        assert (await Audit().verify(session)).ok
        assert (await Audit(KEY).verify(session)).ok
    assert await write(database, Audit(), []) == []


@pytest.mark.slow
async def test_writers_at_once_do_not_fork_the_chain(database: Database, store_url: str) -> None:
    other = await Database.open(store_url)
    try:
        await asyncio.gather(*(write(each, Audit(KEY), events(3)) for each in [database, other] * 8))
    finally:
        await other.close()
    async with database.read() as session:
        assert reference(await export(session))
        assert (await Audit(KEY).verify(session)).checked == 48


async def test_the_head_is_locked_without_the_store_s_turns(database: Database) -> None:
    if database.location.dialect != "postgresql":
        pytest.skip("SQLite has one writer at a time, whoever it is")
    await write(database, Audit(), events(1))

    async def append() -> None:
        async with AsyncSession(database._engine) as session, session.begin():
            await Audit().append_many(session, events(2))

    await asyncio.gather(*(append() for _ in range(6)))
    async with database.read() as session:
        assert (await Audit().verify(session)).checked == 13


async def test_a_change_that_is_taken_back_leaves_no_record(database: Database) -> None:
    audit = Audit()
    await write(database, audit, events(1))

    async def fail() -> None:
        async with database.write() as session:
            await audit.append_many(session, events(3))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    await write(database, audit, events(1))
    async with database.read() as session:
        assert [record.seq for record in await export(session)] == [1, 2]
        assert (await audit.verify(session)).ok


DETAILS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(details=st.dictionaries(st.text().filter(lambda key: key != "text"), DETAILS, max_size=4), actor=st.text())
def test_whatever_json_says_is_kept_as_it_was_hashed(details: dict[str, Any], actor: str) -> None:
    async def run() -> None:
        async with memory() as session:
            written = await Audit().append(session, AuditEvent("a", actor, ["ä", '"'], None, details))
            assert (await Audit().verify(session)).ok
            assert await export(session) == [written]

    if any("\ud800" <= character <= "\udfff" for character in actor):
        return
    asyncio.run(run())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", b"bytes"])
async def test_what_json_cannot_say_is_refused(database: Database, value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        await write(database, Audit(), [AuditEvent("a", "cli", details={"x": value})])
    async with database.read() as session:
        assert await export(session) == []


Tamper = Callable[[AsyncSession, st.DataObject, list[AuditRecord]], Awaitable[None]]


def forged(record: AuditRecord, **changes: Any) -> AuditRecord:
    """A record with changes, and the hash that goes with them."""
    changed = replace(record, **changes)
    return replace(changed, hash=link(changed.previous, changed.body))


async def change_field(session: AsyncSession, data: st.DataObject, records: list[AuditRecord]) -> None:
    record = data.draw(st.sampled_from(records))
    column = data.draw(st.sampled_from(["at", "actor", "action", "target_ids", "snapshot", "details", "previous", "hash"]))
    old = row_of(record)[column]
    values: list[Any] = ["", "[]", "{}", "[", str(old).upper(), b"\xff", 7, '{"a":"\\ud800"}']
    # In a column of numbers SQLite makes numbers of texts that look like one.
    values += [None] if column == "snapshot" else [f"{old} ", "0" * 64]
    new = data.draw(st.sampled_from([value for value in values if value not in (old, str(old))]))
    await session.execute(text(f"UPDATE audit SET {column} = :new WHERE seq = :seq"), {"new": new, "seq": record.seq})


async def change_and_hash(session: AsyncSession, data: st.DataObject, records: list[AuditRecord]) -> None:
    record = data.draw(st.sampled_from(records))
    await session.execute(update(AUDIT).where(AUDIT.c.seq == record.seq).values(row_of(forged(record, actor="nobody"))))


async def renumber(session: AsyncSession, data: st.DataObject, records: list[AuditRecord]) -> None:
    record = data.draw(st.sampled_from(records))
    new = data.draw(st.sampled_from([-3, 0, records[-1].seq + 1, records[-1].seq + 9]))
    await session.execute(update(AUDIT).where(AUDIT.c.seq == record.seq).values(seq=new))


async def remove(session: AsyncSession, data: st.DataObject, records: list[AuditRecord]) -> None:
    await session.execute(delete(AUDIT).where(AUDIT.c.seq == data.draw(st.sampled_from(records)).seq))


async def swap(session: AsyncSession, data: st.DataObject, records: list[AuditRecord]) -> None:
    one, two = data.draw(st.permutations(records))[:2]
    for seq, new in ((one.seq, -1), (two.seq, one.seq), (-1, two.seq)):
        await session.execute(update(AUDIT).where(AUDIT.c.seq == seq).values(seq=new))


async def put_in(session: AsyncSession, data: st.DataObject, records: list[AuditRecord]) -> None:
    at = data.draw(st.sampled_from([*records, None]))
    if at is None:
        last = records[-1]
        await session.execute(insert(AUDIT).values(row_of(forged(last, seq=last.seq + 1, previous=last.hash))))
        return
    for record in reversed([record for record in records if record.seq >= at.seq]):
        await session.execute(update(AUDIT).where(AUDIT.c.seq == record.seq).values(seq=record.seq + 1))
    await session.execute(insert(AUDIT).values(row_of(forged(at, actor="nobody"))))


async def put_before(session: AsyncSession, data: st.DataObject, records: list[AuditRecord]) -> None:
    first = records[0]
    await session.execute(insert(AUDIT).values(row_of(forged(first, seq=data.draw(st.integers(-2, first.seq - 1))))))


async def truncate(session: AsyncSession, data: st.DataObject, records: list[AuditRecord]) -> None:
    await session.execute(delete(AUDIT).where(AUDIT.c.seq >= data.draw(st.sampled_from(records)).seq))


async def cut_front(session: AsyncSession, data: st.DataObject, records: list[AuditRecord]) -> None:
    """Pruning by hand: the front goes, and the head is made to fit; nothing records it."""
    last = data.draw(st.sampled_from(records[:-1]))
    kept = len(records) - (last.seq - records[0].seq + 1)
    await session.execute(delete(AUDIT).where(AUDIT.c.seq <= last.seq))
    await session.execute(update(AUDIT_HEAD).values(anchor_seq=last.seq, anchor_hash=last.hash, count=kept))


async def change_head(session: AsyncSession, data: st.DataObject, records: list[AuditRecord]) -> None:
    column = data.draw(st.sampled_from(["seq", "hash", "count", "anchor_seq", "anchor_hash"]))
    old = (await session.execute(select(AUDIT_HEAD))).one()._mapping[column]
    # SQLite stores a text of zeros in a column of numbers as 0.
    same = {old, GENESIS} if old == 0 else {old}
    new = data.draw(st.sampled_from([value for value in ("x", 0, 1, 3, 99, "f" * 64, GENESIS) if value not in same]))
    await session.execute(text(f"UPDATE audit_head SET {column} = :new"), {"new": new})


async def lose_head(session: AsyncSession, data: st.DataObject, records: list[AuditRecord]) -> None:
    await session.execute(delete(AUDIT_HEAD))


TAMPERING: list[Tamper] = [
    change_field,
    change_and_hash,
    renumber,
    remove,
    swap,
    put_in,
    put_before,
    truncate,
    cut_front,
    change_head,
    lose_head,
]


@pytest.mark.slow
@pytest.mark.parametrize("tamper", TAMPERING, ids=lambda tamper: tamper.__name__)
@settings(max_examples=40, deadline=None)
@given(data=st.data(), count=st.integers(3, 20), pruned=st.integers(0, 18), key=st.sampled_from([None, KEY]))
def test_any_tampering_is_found(tamper: Tamper, data: st.DataObject, count: int, pruned: int, key: bytes | None) -> None:
    async def run() -> None:
        async with memory() as session:
            clock = Clock()
            audit = Audit(key, now=clock)
            for event in events(count):
                await audit.append(session, event)
            await audit.prune(session, NOON + timedelta(minutes=min(pruned, count - 2)), "cli")
            assert (await audit.verify(session)).ok
            records = await export(session)
            await tamper(session, data, records)
            assert (await audit.verify(session)).fault

    asyncio.run(run())


FAULTS = [
    ("UPDATE audit SET actor = 'nobody' WHERE seq = 2", 2, "changed"),
    ("UPDATE audit SET previous = hash WHERE seq = 2", 2, "order"),
    ("DELETE FROM audit WHERE seq = 2", 2, "missing"),
    ("DELETE FROM audit WHERE seq >= 3", 3, "truncated"),
    ("UPDATE audit SET seq = 0 WHERE seq = 4", 0, "extra"),
    ("UPDATE audit SET seq = 9 WHERE seq = 4", 4, "truncated"),
    ("UPDATE audit_head SET count = 5", 4, "head"),
    ("UPDATE audit_head SET hash = previous FROM audit WHERE audit.seq = 4", 4, "changed"),
    ("DELETE FROM audit_head", 1, "extra"),
]


@pytest.mark.parametrize(("statement", "seq", "problem"), FAULTS)
async def test_a_fault_names_its_place(database: Database, statement: str, seq: int, problem: str) -> None:
    await write(database, Audit(), events(4))
    async with database.write() as session:
        await session.execute(text(statement))
    async with database.read() as session:
        fault = (await Audit().verify(session)).fault
    assert fault
    assert (fault.seq, fault.problem) == (seq, problem)
    assert str(fault).startswith(f"record {seq}: ")


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(st.tuples(st.sampled_from(["append", "prune"]), st.integers(1, 6), st.integers(-3, 30)), max_size=12),
    key=st.sampled_from([None, KEY]),
)
def test_a_log_that_is_pruned_and_written_holds(steps: list[tuple[str, int, int]], key: bytes | None) -> None:
    async def run() -> None:
        async with memory() as session:
            clock = Clock()
            audit = Audit(key, now=clock)
            written: dict[int, AuditRecord] = {}
            for step, size, age in steps:
                if step == "append":
                    await audit.append_many(session, events(size))
                else:
                    before = clock.now - timedelta(minutes=age)
                    old = [record for record in await export(session) if record.at < iso(before)][:size]
                    assert await audit.prune(session, before, "cli", limit=size) == len(old)
                    assert not {record.seq for record in old} & {record.seq for record in await export(session)}
                found = await audit.verify(session)
                assert found.ok
                assert found.checked == found.head.count
                for record in await export(session):
                    assert written.setdefault(record.seq, record) == record

    asyncio.run(run())


async def test_pruning_leaves_an_anchor_and_a_record(database: Database) -> None:
    audit = Audit(KEY, now=Clock())
    written = [(await write(database, audit, [event]))[0] for event in events(5)]
    async with database.write() as session:
        assert await audit.prune(session, NOON, "cli") == 0
        assert await audit.prune(session, NOON + timedelta(minutes=4), "key-1") == 3
    async with database.read() as session:
        kept = await export(session)
        found = await audit.verify(session)
    assert kept[:2] == written[3:]
    assert (kept[2].action, kept[2].actor, kept[2].seq) == (PRUNE, "key-1", 6)
    assert kept[2].details == {
        "through_seq": 3,
        "through_hash": written[2].hash,
        "removed": 3,
        "before": "2026-11-21T12:04:00.000000Z",
    }
    assert (found.ok, found.head.anchor_seq, found.head.count) == (True, 3, 3)


@pytest.mark.slow
async def test_evidence_of_tampering_is_not_pruned(database: Database) -> None:
    audit = Audit(now=Clock())
    await write(database, audit, events(5))
    async with database.write() as session:
        await session.execute(update(AUDIT).where(AUDIT.c.seq == 2).values(actor="nobody"))
    with pytest.raises(AuditError, match="record 2"):
        async with database.write() as session:
            await audit.prune(session, NOON + timedelta(days=1), "cli")
    async with database.read() as session:
        assert len(await export(session)) == 5


async def rewrite(session: AsyncSession, key: bytes | None) -> None:
    """What somebody can do who writes the database and knows this program: another history, with a head that fits."""
    records = await export(session)
    previous = GENESIS
    for record in records:
        other = forged(record, actor="nobody", previous=previous)
        previous = other.hash
        await session.execute(update(AUDIT).where(AUDIT.c.seq == record.seq).values(row_of(other)))
    head = Head(len(records), previous, len(records))
    await session.execute(update(AUDIT_HEAD).values(**asdict(head), seal=head.seal(key) if key else None))


@pytest.mark.parametrize("forger", [None, OTHER])
async def test_a_log_computed_anew_is_found_by_the_key(database: Database, forger: bytes | None) -> None:
    audit = Audit(KEY)
    await write(database, audit, events(4))
    async with database.write() as session:
        await rewrite(session, forger)
    async with database.read() as session:
        found = await audit.verify(session)
    assert found.fault
    assert found.fault.problem == "seal"
    # Nor is it sealed by writing to it.
    with pytest.raises(AuditError, match="not sealed under this key"):
        await write(database, audit, events(1))


async def test_a_log_computed_anew_is_found_by_a_witness(database: Database) -> None:
    audit = Audit()
    noted = (await write(database, audit, events(4)))[-1]
    await write(database, audit, events(2))
    witness = noted.seq, noted.hash
    async with database.read() as session:
        assert (await audit.verify(session, witness)).ok
    async with database.write() as session:
        await rewrite(session, None)
        assert (await audit.verify(session)).ok
        found = await audit.verify(session, witness)
    assert found.fault
    assert found.fault.seq == 4


async def test_an_end_cut_off_with_its_head_is_found_by_a_witness(database: Database) -> None:
    audit = Audit(KEY)
    kept = (await write(database, audit, events(4)))[1]
    cut = Head(2, kept.hash, 2)
    async with database.read() as session:
        head = (await audit.verify(session)).head
    async with database.write() as session:
        await session.execute(delete(AUDIT).where(AUDIT.c.seq > 2))
        await session.execute(update(AUDIT_HEAD).values(**asdict(cut), seal=cut.seal(KEY)))
        assert (await audit.verify(session)).ok
        found = await audit.verify(session, (head.seq, head.hash))
    assert found.fault
    assert (found.fault.seq, found.fault.problem) == (4, "truncated")


async def test_a_witness_that_was_pruned_is_too_old(database: Database) -> None:
    audit = Audit(now=Clock())
    written = await write(database, audit, events(2)) + await write(database, audit, events(2))
    async with database.write() as session:
        await audit.prune(session, NOON + timedelta(minutes=2), "cli")
    async with database.read() as session:
        assert (await audit.verify(session, (2, written[1].hash))).ok
        assert not (await audit.verify(session, (2, written[0].hash))).ok
        with pytest.raises(ValueError, match="record 1 has been pruned"):
            await audit.verify(session, (1, written[0].hash))


async def test_sealing_a_log_begun_without_a_key(database: Database) -> None:
    await write(database, Audit(), events(3))
    with pytest.raises(AuditError, match="not sealed"):
        await write(database, Audit(KEY), events(1))
    async with database.write() as session:
        assert (await Audit(KEY).seal(session)).sealed
    await write(database, Audit(KEY), events(1))
    async with database.read() as session:
        assert (await Audit(KEY).verify(session)).sealed is True
        assert (await Audit().verify(session)).sealed is None
        assert not (await Audit(OTHER).verify(session)).ok
    for audit in (Audit(), Audit(OTHER)):
        with pytest.raises(AuditError):
            await write(database, audit, events(1))
    with pytest.raises(AuditError):
        async with database.write() as session:
            await Audit(OTHER).seal(session)


async def test_a_broken_log_is_not_sealed(database: Database) -> None:
    await write(database, Audit(), events(3))
    async with database.write() as session:
        await session.execute(delete(AUDIT).where(AUDIT.c.seq == 2))
        with pytest.raises(AuditError, match="record 2"):
            await Audit(KEY).seal(session)


async def test_records_without_a_head_are_not_written_to(database: Database) -> None:
    await write(database, Audit(KEY), events(2))
    async with database.write() as session:
        await session.execute(delete(AUDIT_HEAD))
    with pytest.raises(AuditError, match="no head"):
        await write(database, Audit(KEY), events(1))


@pytest.mark.parametrize("keep", [False, True])
async def test_texts_are_kept_only_if_asked_for(database: Database, keep: bool) -> None:
    event = decision_event(
        REQUEST,
        actor="key-1",
        decision_id="gd-1",
        verdict="restrict",
        scores={"b": 0.5, "a": 0.75},
        snapshot=3,
        latency_ms=1.23456,
        text={"prompt": SECRET},
    )
    await write(database, Audit(keep_text=keep), [event])
    async with database.read() as session:
        (record,) = await export(session)
    assert (SECRET in repr(record)) is keep
    assert SECRET not in repr(replace(record, details={}))
    assert (record.target_ids, record.snapshot, record.details["latency_ms"]) == (["a", "b"], 3, 1.235)


async def test_texts_are_not_let_in_as_details(database: Database) -> None:
    with pytest.raises(ValueError):
        await write(database, Audit(), [AuditEvent("a", "cli", details={"text": {"prompt": SECRET}})])


async def test_pages_go_from_the_newest_to_the_oldest(database: Database) -> None:
    audit = Audit()
    written = await write(database, audit, events(7))
    seen: list[AuditRecord] = []
    sizes: list[int] = []
    cursor: int | None = None
    async with database.read() as session:
        while True:
            records, cursor = await audit.page(session, cursor, limit=3)
            seen += records
            sizes.append(len(records))
            if cursor is None:
                break
    assert seen == written[::-1]
    assert sizes == [3, 3, 1]


async def test_suppressed_tokens_are_summed_where_they_are_known(database: Database) -> None:
    audit = Audit()
    request = decision_event(
        REQUEST, actor="k", decision_id="gd-1", verdict="restrict", scores={"ada": 1}, snapshot=1, latency_ms=1
    )
    other = replace(request, target_ids=["bob"])
    what = [request, counted(request, 3), counted(request, None), counted(request, 40), counted(other, 500)]
    await write(database, audit, [*what, replace(what[1], action=SCREEN)])
    async with database.read() as session:
        for target_id, expected in (("ada", 43), ("bob", 500), ("eve", 0)):
            wanted = AuditFilter(action=REQUEST, target_id=target_id)
            assert await audit.suppressed(session, wanted) == expected
        records, _ = await audit.page(session)
        assert [record.details.get("suppressed", "none") for record in records] == [3, 500, 40, None, 3, "none"]
        assert (await audit.verify(session)).ok


async def test_a_record_that_cannot_be_read_is_named(database: Database) -> None:
    await write(database, Audit(), events(2))
    async with database.write() as session:
        await session.execute(update(AUDIT).where(AUDIT.c.seq == 2).values(details="{"))
    async with database.read() as session:
        with pytest.raises(AuditError, match="record 2 cannot be read"):
            await Audit().page(session)
