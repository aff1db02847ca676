"""Migrations: from every earlier schema, with data in it, to the one that the tables describe."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, inspect, text

import server.store
from server.store import Database, Idempotency, Peers, SchemaTooNew, Snapshots, StoreError, StoreUnavailable, Targets
from server.store.base import Base
from server.store.database.engines import WRITES, create_engine
from server.store.database.location import Location
from server.store.database.migrate import config, migrate

REVISIONS = [script.revision for script in ScriptDirectory.from_config(config()).walk_revisions("base", "heads")][::-1]
_AT = "2026-01-02 03:04:05.678901"
_DOCUMENT = '{"id":"a","name":"Mad Hatter","phrases":[{"text":"tea","scope":"gated"}]}'
_SNAPSHOT_WITH_DIGESTS = (
    "INSERT INTO snapshots (number, digest, state, created_at, always, gated)"
    f" VALUES (1, 'd', 'active', '{_AT}', '[\"x\"]', '{{\"a\":\"y\"}}')"
)
_SNAPSHOT = f"INSERT INTO snapshots (number, digest, state, created_at) VALUES (1, 'd', 'active', '{_AT}')"
# What each revision had room for, as its own program wrote it.
_WRITTEN_BY = {
    "0001": [
        "INSERT INTO targets (id, version, status, retain_examples, created_at, updated_at, labels, document)"
        f" VALUES ('a', 1, 'pending', TRUE, '{_AT}', '{_AT}', '{{\"k\":\"v\"}}', '{_DOCUMENT}')",
        "INSERT INTO target_versions (target_id, version, status, actor, at, document)"
        f" VALUES ('a', 1, 'pending', 'tester', '{_AT}', '{_DOCUMENT}')",
        _SNAPSHOT_WITH_DIGESTS,
        "INSERT INTO idempotency (key, actor, request_hash, created_at, status, response)"
        f" VALUES ('k', 'tester', 'h', '{_AT}', 201, '[1]')",
        f"INSERT INTO peers (instance, started_at, lease_until, snapshot) VALUES ('p', '{_AT}', '{_AT}', 1)",
    ],
    "0002": [
        f"INSERT INTO api_keys (id, role, name, secret_hash, created_at) VALUES ('0123456789ab', 'admin', 'first', 'h', '{_AT}')",
        "INSERT INTO audit (seq, at, actor, action, target_ids, details, previous, hash)"
        f" VALUES (1, '{_AT}Z', 'cli', 'key.create', '[]', '{{}}', 'p', 'h')",
        "INSERT INTO audit_head (id, seq, hash, count, anchor_seq, anchor_hash) VALUES (1, 1, 'h', 1, 0, 'p')",
    ],
    "0003": [],
    "0004": [],
    "0005": [f"INSERT INTO quotas (bucket, tokens, at) VALUES ('b', 1.5, '{_AT}')"],
    "0006": [
        "INSERT INTO engine_needs (digest, owner, revision) VALUES ('d', 'o', 1)",
        "INSERT INTO engine_files (digest, content) VALUES ('d', '')",
    ],
}


async def _run(url: str, work: Callable[[Connection], object]) -> object:
    """Work on a database as it is, in one transaction."""
    engine = create_engine(Location.of(url), lock_timeout_s=10, pooled=False).execution_options(**{WRITES: True})
    async with engine.begin() as connection:
        # Times in the statements above are in UTC.
        if connection.dialect.name == "postgresql":
            await connection.execute(text("SET LOCAL TIME ZONE 'UTC'"))
        found = await connection.run_sync(work)
    await engine.dispose()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("revision", REVISIONS)
async def test_an_earlier_schema_keeps_its_data(empty_url: str, revision: str) -> None:
    await asyncio.to_thread(migrate, Location.of(empty_url), revision)
    written = [statement for made in REVISIONS[: REVISIONS.index(revision) + 1] for statement in _WRITTEN_BY[made]]
    if revision >= "0004":
        written[written.index(_SNAPSHOT_WITH_DIGESTS)] = _SNAPSHOT

    def write(connection: Connection) -> None:
        for statement in written:
            connection.execute(text(statement))

    await _run(empty_url, write)
    database = await Database.open(empty_url)
    async with database.write() as session:
        target = await Targets().get(session, "a")
        assert target.target.phrases[0].text == "tea"
        assert (target.labels, target.created_at) == ({"k": "v"}, datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC))
        assert len(await Targets().history(session, "a")) == 1
        active = await Snapshots().active(session)
        assert active is not None
        assert (active.number, active.digest) == (1, "d")
        response = await Idempotency().begin(session, "k", "tester", "h", at=target.created_at)
        assert response is not None
        assert response.response == [1]
        assert [peer.snapshot for peer in await Peers().all(session)] == [1]
        for statement in written:
            table = statement.split()[2]
            assert (await session.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() == 1
    await database.close()


@pytest.mark.slow
async def test_the_migrated_schema_is_what_the_tables_describe(store_url: str) -> None:
    for module in pkgutil.iter_modules(server.store.__path__, "server.store."):
        importlib.import_module(module.name)
    await (await Database.open(store_url)).close()

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, Base.metadata))

    def checks(connection: Connection) -> dict[str, set[str]]:
        # Alembic does not compare these.
        found = inspect(connection)
        return {name: {str(check["name"]) for check in found.get_check_constraints(name)} for name in Base.metadata.tables}

    assert await _run(store_url, differences) == []
    described = {
        name: {str(c.name) for c in table.constraints if c.__visit_name__ == "table_or_column_check_constraint"}
        for name, table in Base.metadata.tables.items()
    }
    assert described["targets"] == {"ck_targets_status"}
    assert await _run(store_url, checks) == described


@pytest.mark.slow
async def test_a_difference_would_be_found(store_url: str) -> None:
    await (await Database.open(store_url)).close()
    other = MetaData()

    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), other))

    assert len(await _run(store_url, differences)) >= len(Base.metadata.tables)  # type: ignore[arg-type]


@pytest.mark.slow
async def test_a_database_of_a_later_program_is_left_alone(store_url: str) -> None:
    await (await Database.open(store_url)).close()

    def later(connection: Connection) -> None:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    await _run(store_url, later)
    with pytest.raises(SchemaTooNew):
        await Database.open(store_url)


async def test_a_migration_that_fails_changes_nothing(empty_url: str) -> None:
    # The last table of the first revision is in its way.
    location = Location.of(empty_url)
    if location.dialect == "sqlite":
        location.path.touch()

    def obstruct(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE peers (x INTEGER)"))

    await _run(empty_url, obstruct)
    with pytest.raises(StoreError) as caught:
        await Database.open(empty_url)
    assert not isinstance(caught.value, StoreUnavailable)
    assert await _run(empty_url, lambda connection: inspect(connection).get_table_names()) == ["peers"]
