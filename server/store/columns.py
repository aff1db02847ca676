"""Column types that mean the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, String, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine


def utc_now() -> datetime:
    """Return the time of this machine's clock, in UTC."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time with its zone. It is stored and returned in UTC.

    SQLite has no type for times: the column holds text of a fixed form in UTC, which sorts like the times.

    Raises:
        ValueError: a datetime has no zone. SQLAlchemy raises it inside `StatementError` when the statement runs.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the value for the driver."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone: give one, such as UTC")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the driver's value, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def identifier(length: int = 64) -> TypeEngine[str]:
    """Return the type of an identifier. Both databases order it by code point, in any locale."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def document() -> TypeEngine[Any]:
    """Return the type of a JSON value. None is SQL's NULL.

    On PostgreSQL it is `json`, not `jsonb`: `json` keeps the text with escapes that `jsonb` refuses (NUL in a string).
    """
    return JSON(none_as_null=True)
