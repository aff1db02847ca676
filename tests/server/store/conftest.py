"""The store's tests run on both databases: SQLite files, and a PostgreSQL cluster of this session's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from server.store.database import Database
from server.store.location import Location
from server.store.migrate import migrate


@dataclass
class Cluster:
    """A PostgreSQL server on a Unix socket in its own folder. What it holds is lost with the folder."""

    binaries: Path
    folder: Path
    _numbers: Iterator[int] = field(default_factory=count)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}&port=5432"

    def start(self) -> None:
        # Nothing here has to survive a power cut.
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder} -c fsync=off -c full_page_writes=off"
        options += " -c max_connections=60 -c shared_buffers=32MB"
        self._run("pg_ctl", "start", "-w", "-D", f"{self.folder}/data", "-l", f"{self.folder}/log", "-o", options)

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-w", "-D", f"{self.folder}/data", "-m", "immediate")

    def initialise(self) -> None:
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
        self._run("initdb", "-D", f"{self.folder}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")

    def sql(self, statement: str) -> None:
        self._run("psql", "-h", str(self.folder), "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-qc", statement)

    def create_database(self, template: str = "template0") -> str:
        """Return the URL of a new database."""
        name = f"store{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        name = url.partition("@/")[2].partition("?")[0]
        self.sql(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, program: str, *arguments: str) -> None:
        # PostgreSQL refuses to run as root.
        prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        done = subprocess.run(
            [*prefix, str(self.binaries / program), *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            # A file and not a pipe: the server that pg_ctl leaves behind would hold a pipe open.
            stdout=(self.folder / "output").open("w"),
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{program}: {(self.folder / 'output').read_text()}"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running cluster; skips where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    initdb = found[-1] if found else shutil.which("initdb")
    if initdb is None:
        pytest.skip("PostgreSQL is not installed: no initdb")
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        pytest.skip("PostgreSQL refuses to run as root, and there is no runuser")
    # A Unix socket's path may have about a hundred characters: pytest's own temporary folders are too deep.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    cluster = Cluster(Path(initdb).parent, folder)
    cluster.initialise()
    cluster.start()
    yield cluster
    cluster.stop()
    shutil.rmtree(folder)


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
        yield f"sqlite:///{tmp_path}/store.db"
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
