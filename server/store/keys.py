"""API keys. The text of a key is shown once, when it is made; the store has a hash of its secret.

The text is `gk-<id>-<secret>`. The id is public: it names the key in lists and in the audit log. The secret is 256 random bits,
and its hash one round of SHA-256 without salt. Secrets that people choose can be guessed and need a slow, salted hash; from 112
bits of entropy on, NIST SP 800-63B (5.1.2.2, look-up secrets) requires only a one-way function.

Every comparison takes the same time: `hmac.compare_digest` compares digests, with a digest of zeros if there is no such id.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import CheckConstraint, Integer, Row, Text, exists, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from server.store.base import Base
from server.store.columns import UtcDateTime, identifier
from server.store.errors import StoreError

Role = Literal["client", "auditor", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""From the lowest to the highest. A role may do everything that the roles before it may."""

_TEXT = re.compile(r"gk-([0-9a-f]{12})-([A-Za-z0-9_-]{43})")
_NOTHING = "0" * 64


class KeyNotFound(StoreError):
    """There is no key with this id."""


class ApiKeyRow(Base):
    """The keys. Rows are never removed, so that the id of a revoked key is not used again."""

    __tablename__ = "api_keys"
    __table_args__ = (CheckConstraint("role IN ('client', 'auditor', 'admin')", name="role"),)

    id: Mapped[str] = mapped_column(identifier(12), primary_key=True)
    role: Mapped[str] = mapped_column(identifier(16))
    name: Mapped[str] = mapped_column(Text)
    secret_hash: Mapped[str] = mapped_column(identifier(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    rate_per_minute: Mapped[int | None] = mapped_column(Integer)
    burst: Mapped[int | None] = mapped_column(Integer)


_TABLE = ApiKeyRow.metadata.tables[ApiKeyRow.__tablename__]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret. `last_used_at` is rounded down to the hour."""

    id: str
    role: Role
    name: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    rate_per_minute: int | None = None
    burst: int | None = None

    def usable(self, now: datetime) -> bool:
        """Whether the key is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


_SHOWN = tuple(field.name for field in fields(ApiKey))


class KeyRing:
    """All keys of one moment in memory, with the hashes of their secrets."""

    def __init__(self, keys: Iterable[tuple[ApiKey, str]] = ()) -> None:
        self._keys = {key.id: (key, digest) for key, digest in keys}

    def __bool__(self) -> bool:
        return bool(self._keys)

    def check(self, text: str, now: datetime) -> ApiKey | None:
        """Return the key with this text; None if there is none that may be used at `now`."""
        parts = _TEXT.fullmatch(text)
        key, digest = self._keys.get(parts[1] if parts else "", (None, _NOTHING))
        same = hmac.compare_digest(_hash(parts[2] if parts else ""), digest)
        return key if same and key is not None and key.usable(now) else None


class Keys:
    """The repository of keys. Every method works in the transaction of its session."""

    async def create(
        self,
        session: AsyncSession,
        role: Role,
        name: str,
        now: datetime,
        *,
        expires_at: datetime | None = None,
        rate_per_minute: int | None = None,
        burst: int | None = None,
        text: str | None = None,
    ) -> tuple[ApiKey, str]:
        """Make a key, and return it with its text, which is not stored.

        Args:
            session: one of `Database.write`.
            role: what the key may do.
            name: what the key is for, 1 to 200 printable characters.
            now: when the key is made.
            expires_at: when it ends; never if None.
            rate_per_minute: how many requests it may make per minute; no limit if None.
            burst: how many requests it may make at once; as many as `rate_per_minute` if None.
            text: the key's text, chosen by somebody who knows how to choose one at random; a new one if None.

        Raises:
            ValueError: the role is unknown, the name is empty, too long or not printable, a limit is out of range, or the text
                has another form than keys have.
        """
        if role not in ROLES:
            raise ValueError(f"a role is one of {', '.join(ROLES)}")
        if not name or len(name) > 200 or not name.isprintable():
            raise ValueError("a key's name has 1 to 200 printable characters")
        if burst is not None and rate_per_minute is None:
            raise ValueError("a burst needs a rate: give both")
        if any(limit is not None and not 1 <= limit <= 1_000_000 for limit in (rate_per_minute, burst)):
            raise ValueError("a rate and a burst lie between 1 and 1000000")
        parts = _TEXT.fullmatch(text or f"gk-{secrets.token_hex(6)}-{secrets.token_urlsafe(32)}")
        if parts is None:
            raise ValueError("a key's text is gk-, twelve hexadecimal digits, -, and 43 characters A-Z a-z 0-9 _ -")
        key_id, secret = parts[1], parts[2]
        key = ApiKey(key_id, role, name, now, expires_at, rate_per_minute=rate_per_minute, burst=burst)
        columns = {name: getattr(key, name) for name in _SHOWN}
        await session.execute(insert(_TABLE).values(**columns, secret_hash=_hash(secret)))
        return key, f"gk-{key.id}-{secret}"

    async def revoke(self, session: AsyncSession, key_id: str, now: datetime) -> ApiKey:
        """Revoke a key and return it. A revoked key keeps the time of its revocation. Raises KeyNotFound."""
        await session.execute(update(_TABLE).where(_TABLE.c.id == key_id, _TABLE.c.revoked_at.is_(None)).values(revoked_at=now))
        found = (await session.execute(select(_TABLE).where(_TABLE.c.id == key_id))).one_or_none()
        if found is None:
            raise KeyNotFound("there is no key with this id")
        return _key(found)

    async def list(self, session: AsyncSession) -> Sequence[ApiKey]:
        """Return all keys, revoked ones as well, oldest first."""
        return [_key(row) for row in await session.execute(select(_TABLE).order_by(_TABLE.c.created_at, _TABLE.c.id))]

    async def ring(self, session: AsyncSession) -> KeyRing:
        """Return all keys with the hashes of their secrets, to check texts with."""
        return KeyRing([(_key(row), row.secret_hash) for row in await session.execute(select(_TABLE))])

    async def any(self, session: AsyncSession) -> bool:
        """Whether a key was ever made. Revoked keys count: revoking the last key does not open the server again."""
        return bool((await session.execute(select(exists(select(_TABLE.c.id))))).scalar_one())

    async def touch(self, session: AsyncSession, key_ids: Sequence[str], now: datetime) -> None:
        """Note that keys were used, rounded down to the hour."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        stale = or_(_TABLE.c.last_used_at.is_(None), _TABLE.c.last_used_at < hour)
        await session.execute(update(_TABLE).where(_TABLE.c.id.in_(key_ids), stale).values(last_used_at=hour))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(**{name: row._mapping[name] for name in _SHOWN})
