"""A PostgreSQL server for the time of a trial, which so needs no database that somebody has set up."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian's packages put the programs, in one folder per major version."""
# A Unix socket's path may have about a hundred characters (unix(7)): most temporary folders are too deep.
_SHORT = Path("/tmp")  # noqa: S108
_QUICK = " -c fsync=off -c full_page_writes=off -c shared_buffers=32MB"


class ClusterError(RuntimeError):
    """PostgreSQL is not installed, or one of its programs failed; the message says which and why."""


@dataclass
class Cluster:
    """A PostgreSQL server on a Unix socket in its own folder; its databases go with the folder.

    Attributes:
        binaries: folder of PostgreSQL's programs.
        folder: where its files and its socket are.
        durable: whether it writes as a server that must survive a power cut; without that it is faster than a real one.
    """

    binaries: Path
    folder: Path
    durable: bool = True
    _numbers: Iterator[int] = field(default_factory=count)

    def url(self, database: str) -> str:
        """Return the URL of a database of this server."""
        return f"postgresql://postgres@/{database}?host={self.folder}&port=5432"

    def initialise(self) -> None:
        """Make the server's files. Raises ClusterError if that fails."""
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
        self._run("initdb", "-D", f"{self.folder}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")

    def start(self) -> None:
        """Start the server, and wait until it answers. Raises ClusterError if it does not."""
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder} -c max_connections=60"
        options += "" if self.durable else _QUICK
        self._run("pg_ctl", "start", "-w", "-D", f"{self.folder}/data", "-l", f"{self.folder}/log", "-o", options)

    def stop(self) -> None:
        """Stop the server at once, even if clients are connected. Raises ClusterError if that fails."""
        self._run("pg_ctl", "stop", "-w", "-D", f"{self.folder}/data", "-m", "immediate")

    def sql(self, statement: str) -> None:
        """Run a statement as the superuser. Raises ClusterError if it fails."""
        self._run("psql", "-h", str(self.folder), "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-qc", statement)

    def create_database(self, template: str = "template0") -> str:
        """Create a database and return its URL. Raises ClusterError if that fails."""
        name = f"store{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Remove the database of this URL, even if clients are connected. Raises ClusterError if that fails."""
        name = url.partition("@/")[2].partition("?")[0]
        self.sql(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, program: str, *arguments: str) -> None:
        # PostgreSQL refuses to run as root.
        prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        told = self.folder / "output"
        # A file and not a pipe: the server that pg_ctl leaves behind would hold a pipe open.
        with told.open("w") as output:
            done = subprocess.run(
                [*prefix, str(self.binaries / program), *arguments],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=60,
                check=False,
            )
        if done.returncode:
            raise ClusterError(f"{program}: {told.read_text().strip()}")


def binaries(debian: Path = DEBIAN) -> Path:
    """Return the folder of PostgreSQL's programs: Debian's newest, or else that of the `initdb` on the path.

    Raises:
        ClusterError: there is none, or this process is root's and there is no `runuser`: the programs refuse to run as root.
    """
    found = sorted(debian.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    initdb = found[-1] if found else shutil.which("initdb")
    if initdb is None:
        raise ClusterError("PostgreSQL is not installed: there is no initdb; install the package postgresql")
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        raise ClusterError("PostgreSQL refuses to run as root, and there is no runuser: run this as another user")
    return Path(initdb).resolve().parent


@contextmanager
def running(*, durable: bool = True) -> Iterator[Cluster]:
    """Yield a running server; stop it and remove its files afterwards. Raises ClusterError if a program fails."""
    programs = binaries()
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=_SHORT))
    try:
        cluster = Cluster(programs, folder, durable)
        cluster.initialise()
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder)


def add_database(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose the store of a trial; `database` reads them."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--database", help="URL of an empty store (default: SQLite in a folder of its own)")
    which.add_argument("--postgresql", action="store_true", help="start a PostgreSQL server for the trial, and use it")


@contextmanager
def database(options: argparse.Namespace) -> Iterator[str | None]:
    """Yield the URL of the store that the options choose; None for SQLite in the trial's own folder. Raises ClusterError."""
    if not options.postgresql:
        yield options.database
        return
    with running() as cluster:
        yield cluster.create_database()
