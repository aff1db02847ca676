"""Column types that mean the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, String, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine


def utc_now() -> datetime:
    """Return the time of this machine's clock, with its zone."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time, aware of its zone on the way in and out; always UTC on the way out.

    SQLite has no type for times: there it is text of a fixed form in UTC, so that comparing texts compares times.
    A datetime without a zone raises ValueError when the statement runs (inside sqlalchemy.exc.StatementError).
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what the driver gets."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what the driver gave, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def identifier(length: int = 64) -> TypeEngine[str]:
    """Return the type of an identifier: ordered by code point on both databases, whatever the database's locale is."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def document() -> TypeEngine[Any]:
    """Return the type of a JSON value; None is SQL's NULL.

    PostgreSQL's `json` and not `jsonb`: it keeps the text as it is, with escapes that `jsonb` refuses (NUL in a string).
    """
    return JSON(none_as_null=True)
