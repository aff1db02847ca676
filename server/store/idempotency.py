"""Idempotency keys: a request that is sent again gets the same answer and is not carried out again.

The rules are those of the header field Idempotency-Key (draft-ietf-httpapi-idempotency-key-header). A key belongs to one client
and one request. It is an error to send it with another request, or while the first request is still being handled.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.store.columns import utc_now
from server.store.errors import IdempotencyConflict, IdempotencyPending
from server.store.records import StoredResponse, storable
from server.store.tables import IdempotencyRow

KEYS: Table = IdempotencyRow.metadata.tables[IdempotencyRow.__tablename__]
KEEP = timedelta(hours=24)
"""How long an answer is stored."""
CLAIM = timedelta(minutes=5)
"""How long a request may take. After that its key is free again: the process that handled it may have died."""
MAX_KEY_CHARS = 255


class Idempotency:
    """The repository of idempotency keys. Every method takes a session of `Database.write`. `at` is now if None."""

    async def begin(
        self, session: AsyncSession, key: str, actor: str, request_hash: str, *, at: datetime | None = None
    ) -> StoredResponse | None:
        """Return the answer that this request got before. If the request is new, take the key for it and return None.

        After None, call `finish`, in this transaction or a later one. A transaction that is rolled back frees the key.

        Raises:
            IdempotencyConflict: the key was used for another request.
            IdempotencyPending: the first request with this key is still being handled.
            ValueError: the key is empty, longer than 255 characters, or not text.
        """
        if not 0 < len(key) <= MAX_KEY_CHARS or not storable(key):
            raise ValueError(f"an idempotency key has 1 to {MAX_KEY_CHARS} characters")
        moment = at or utc_now()
        dead = (KEYS.c.created_at <= moment - KEEP) | (KEYS.c.status.is_(None) & (KEYS.c.created_at <= moment - CLAIM))
        await session.execute(delete(KEYS).where(dead))
        row = (await session.execute(select(KEYS).where(*_of(key, actor)))).one_or_none()
        if row is None:
            values = {"key": key, "actor": actor, "request_hash": request_hash, "created_at": moment}
            await session.execute(insert(KEYS).values(values))
            return None
        if row.request_hash != request_hash:
            raise IdempotencyConflict
        if row.status is None:
            raise IdempotencyPending
        return StoredResponse(row.status, row.response)

    async def finish(
        self, session: AsyncSession, key: str, actor: str, status: int, response: Any, *, target_id: str | None = None
    ) -> None:
        """Store the answer. `target_id` is the target that `response` is about: its purge removes the response."""
        values = {"status": status, "response": response, "target_id": target_id}
        await session.execute(update(KEYS).where(*_of(key, actor)).values(values))


def _of(key: str, actor: str) -> tuple[Any, Any]:
    return KEYS.c.key == key, KEYS.c.actor == actor
