"""API keys, made and revoked together with the record that says so."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from server.store.audit.log import Audit
from server.store.audit.record import AuditEvent, iso
from server.store.keys import ApiKey, Keys, Role

CREATE = "key.create"
REVOKE = "key.revoke"


async def create(
    session: AsyncSession,
    audit: Audit,
    actor: str,
    role: Role,
    name: str,
    now: datetime,
    *,
    expires_at: datetime | None = None,
    rate_per_minute: int | None = None,
    burst: int | None = None,
    text: str | None = None,
) -> tuple[ApiKey, str]:
    """Make a key and record it, as `actor`. Return the key and its text (a new one if `text` is None), which is shown this once.

    Raises:
        ValueError: what `Keys.create` raises.
        AuditError: what `Audit.append` raises.
    """
    limits = {"rate_per_minute": rate_per_minute, "burst": burst}
    key, shown = await Keys().create(session, role, name, now, expires_at=expires_at, text=text, **limits)
    await audit.append(session, key_event(CREATE, actor, key))
    return key, shown


async def revoke(session: AsyncSession, audit: Audit, actor: str, key_id: str, now: datetime) -> ApiKey:
    """Revoke a key and record it, as `actor`. Return the key.

    Raises:
        KeyNotFound: there is no key with this id.
        AuditError: what `Audit.append` raises.
    """
    key = await Keys().revoke(session, key_id, now)
    await audit.append(session, key_event(REVOKE, actor, key))
    return key


def key_event(action: str, actor: str, key: ApiKey) -> AuditEvent:
    """Return the record of what was done to a key. It holds nothing of the key's secret."""
    details = {
        "key_id": key.id,
        "role": key.role,
        "name": key.name,
        "expires_at": iso(key.expires_at) if key.expires_at else None,
        "rate_per_minute": key.rate_per_minute,
        "burst": key.burst,
    }
    return AuditEvent(action, actor, details=details)
