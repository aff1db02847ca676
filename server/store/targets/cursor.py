"""Cursors: an opaque text says where a page of a list ended."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from datetime import datetime

from server.store.errors import InvalidCursor

_SUM_BYTES = 8
_MAX_CHARS = 1000


def encode_cursor(created_at: datetime, target_id: str, filters: str) -> str:
    """Return the cursor of a page that ended with this target. `filters` are those of the list, in a fixed form.

    A checksum ties the cursor to its list and shows damage. It is no signature: a cursor only says where to continue, and a
    client that makes one up sees nothing that the list does not show.
    """
    body = json.dumps([created_at.isoformat(), target_id], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_checksum(body, filters) + body).decode().rstrip("=")


def decode_cursor(cursor: str, filters: str) -> tuple[datetime, str]:
    """Return when the last target of the page was created, and its id. Raises InvalidCursor if the cursor is of another list."""
    if len(cursor) > _MAX_CHARS or not cursor.isascii():
        raise InvalidCursor
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise InvalidCursor from None
    given, body = raw[:_SUM_BYTES], raw[_SUM_BYTES:]
    if given != _checksum(body, filters):
        raise InvalidCursor
    try:
        created_at, target_id = json.loads(body)
        moment = datetime.fromisoformat(created_at)
    except (ValueError, TypeError):
        raise InvalidCursor from None
    if moment.tzinfo is None or not isinstance(target_id, str):
        raise InvalidCursor
    return moment, target_id


def _checksum(body: bytes, filters: str) -> bytes:
    return hashlib.sha256(len(filters).to_bytes(4) + filters.encode() + body).digest()[:_SUM_BYTES]
