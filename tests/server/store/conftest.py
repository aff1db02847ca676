"""The store's tests run on both databases: SQLite files, and a PostgreSQL cluster of this session's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from evaluation.targets.cluster import Cluster, ClusterError, binaries, running
from server.store.database.database import Database
from server.store.database.location import Location
from server.store.database.migrate import migrate
from tests.conftest import copied


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running cluster; skips where PostgreSQL is not installed."""
    try:
        binaries()
    except ClusterError as error:
        pytest.skip(str(error))
    # Nothing here has to survive a power cut.
    with running(durable=False) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def migrated(cluster: Cluster) -> str:
    """The name of a database with the schema, to copy."""
    cluster.sql("CREATE DATABASE migrated")
    migrate(Location.of(cluster.url("migrated")))
    return "migrated"


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without any tables."""
    if dialect == "sqlite":
        yield f"sqlite:///{tmp_path}/store.db"
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    url = cluster.create_database()
    yield url
    cluster.drop_database(url)


@pytest.fixture
def store_url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with the schema, and nothing in it."""
    if dialect == "sqlite":
        yield f"sqlite:///{copied(request.getfixturevalue('sqlite_template'), tmp_path / 'store.db')}"
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    url = cluster.create_database(request.getfixturevalue("migrated"))
    yield url
    cluster.drop_database(url)


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    """An open database, with nothing in it."""
    database = await Database.open(store_url)
    yield database
    await database.close()
