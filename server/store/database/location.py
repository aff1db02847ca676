"""The location of a store's database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_SQLITE = re.compile(r"^sqlite(\+aiosqlite)?:///(?P<path>[^?#]+)$")
_POSTGRESQL = re.compile(r"^postgres(ql)?(\+asyncpg)?://")

Dialect = Literal["sqlite", "postgresql"]


@dataclass(frozen=True, slots=True, repr=False)
class Location:
    """A SQLite file, or a PostgreSQL connection string. Its `repr` shows neither: a connection string may hold a password."""

    dialect: Dialect
    path: Path = Path()
    dsn: str = ""

    @classmethod
    def of(cls, url: str) -> Location:
        """Return the location that `url` names.

        Args:
            url: `sqlite:///relative/file`, `sqlite:////absolute/file` or `postgresql://...` with libpq's parameters. It may name
                the driver (`sqlite+aiosqlite`, `postgresql+asyncpg`). A SQLite database in memory is no store, since nothing
                would survive a restart.

        Raises:
            ValueError: `url` names no store. The message does not repeat it.
        """
        if _POSTGRESQL.match(url):
            return cls("postgresql", dsn=_POSTGRESQL.sub("postgresql://", url))
        sqlite = _SQLITE.match(url)
        if sqlite and sqlite["path"] != ":memory:":
            return cls("sqlite", path=Path(sqlite["path"]).absolute())
        raise ValueError("a store's URL is sqlite:///FILE or postgresql://...")


def default_url(data_dir: Path) -> str:
    """Return the URL of the SQLite store in `data_dir`."""
    return f"sqlite:///{data_dir.absolute() / 'guard.db'}"
