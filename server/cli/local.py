"""What `guard-server keys ...` and `guard-server audit ...` do.

They work on the store directly, beside a server that runs or without one; a server goes by changed keys within a second. All exit
with status 2 for arguments that are not valid and with 1 where the store refuses or, for `audit_verify`, where the log is broken.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar, cast

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from server.store.audit import keys as recorded_keys
from server.store.audit.chain import canonical, read_key
from server.store.audit.log import Audit, Verification
from server.store.columns import utc_now
from server.store.database.database import Database
from server.store.errors import StoreError
from server.store.keys import ApiKey, Keys, Role

ACTOR = "cli"
"""Whom the audit log names for what is done on the command line."""

_T = TypeVar("_T")
_DURATION = re.compile(r"([0-9]{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_WITNESS = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")


def keys_create(
    url: str,
    role: str,
    name: str,
    *,
    expires: str | None = None,
    rate: int | None = None,
    burst: int | None = None,
    audit_key: Path | None = None,
) -> None:
    """Make a key and print it: its text alone on standard output, the rest on standard error. `expires` is like `30d`."""

    async def create(database: Database) -> tuple[ApiKey, str]:
        audit, now = _audit(audit_key), utc_now()
        expires_at = now + duration(expires) if expires else None
        async with database.write() as session:
            # `Keys.create` checks the role, whatever its text is.
            return await recorded_keys.create(
                session, audit, ACTOR, cast("Role", role), name, now, expires_at=expires_at, rate_per_minute=rate, burst=burst
            )

    key, text = _on(url, create)
    typer.echo(f"Key {key.id} with the role {key.role}. Keep it now: it cannot be shown again.", err=True)
    typer.echo(text)


def keys_list(url: str) -> None:
    """Print all keys, without their secrets."""

    async def listed(database: Database) -> list[ApiKey]:
        async with database.read() as session:
            return list(await Keys().list(session))

    # An id is what is copied into the next command: it stays whole in any width.
    table = Table(Column("id", no_wrap=True), "role", "name", "created", "expires", "revoked", "last used", "limit")
    for key in _on(url, listed):
        times = (key.created_at, key.expires_at, key.revoked_at, key.last_used_at)
        limit = f"{key.rate_per_minute}/min, {key.burst or key.rate_per_minute} at once" if key.rate_per_minute else ""
        # As Text, a name is never read as markup.
        cells = [key.id, key.role, key.name, *map(_minute, times), limit]
        table.add_row(*(Text(cell) for cell in cells))
    Console().print(table)


def keys_revoke(url: str, key_id: str, *, audit_key: Path | None = None) -> None:
    """Revoke a key."""

    async def revoke(database: Database) -> ApiKey:
        audit = _audit(audit_key)
        async with database.write() as session:
            return await recorded_keys.revoke(session, audit, ACTOR, key_id, utc_now())

    key = _on(url, revoke)
    typer.echo(f"Key {key.id} is revoked since {_minute(key.revoked_at)}.", err=True)


def audit_verify(url: str, *, audit_key: Path | None = None, witness: str | None = None) -> None:
    """Verify the audit log, and say the first record that is wrong or the head, `SEQ:HASH`, to note down elsewhere.

    `witness` is a head noted before: its record must still be there.
    """

    async def verify(database: Database) -> Verification:
        audit, noted = _audit(audit_key), _noted(witness)
        async with database.read() as session:
            return await audit.verify(session, noted)

    found = _on(url, verify)
    if found.fault:
        typer.echo(f"The audit log is broken at {found.fault}.", err=True)
        raise typer.Exit(1)
    sealed = {True: "sealed", False: "not sealed", None: "sealed, which was not checked: no key was given"}[found.sealed]
    typer.echo(f"The audit log holds: {found.checked} records, {sealed}; head {found.head.seq}:{found.head.hash}")


def audit_seal(url: str, audit_key: Path) -> None:
    """Verify an audit log that was begun without a key, and seal it; from then on it is written with the key only."""

    async def seal(database: Database) -> Verification:
        audit = _audit(audit_key)
        async with database.write() as session:
            return await audit.seal(session)

    found = _on(url, seal)
    typer.echo(f"The audit log is sealed: {found.checked} records; head {found.head.seq}:{found.head.hash}")


def audit_prune(url: str, older_than: str, *, audit_key: Path | None = None) -> None:
    """Remove the records older than `older_than`, like `365d`, and record that they were removed."""

    async def prune(database: Database) -> int:
        audit, before = _audit(audit_key), utc_now() - duration(older_than)
        removed, limit = 0, 10_000
        while True:
            async with database.write() as session:
                some = await audit.prune(session, before, ACTOR, limit)
            removed += some
            if some < limit:
                return removed

    typer.echo(f"{_on(url, prune)} records removed.")


def audit_export(url: str) -> None:
    """Print the audit log as JSON lines, oldest first, with what is needed to follow its hashes."""

    async def export(database: Database) -> None:
        async with database.read() as session:
            async for record in Audit().records(session):
                typer.echo(canonical(asdict(record)))

    _on(url, export)


def duration(text: str) -> timedelta:
    """Return how long `text` is: a whole number and s, m, h, d or w. Raises ValueError."""
    parts = _DURATION.fullmatch(text)
    if parts is None:
        raise ValueError("a duration is a number and s, m, h, d or w, like 30d")
    return timedelta(**{_UNITS[parts[2]]: int(parts[1])})


def _on(url: str, work: Callable[[Database], Awaitable[_T]]) -> _T:
    """Return what `work` gives on the database at `url`; exits where it cannot be done."""

    async def run() -> _T:
        database = await Database.open(url)
        try:
            return await work(database)
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except (ValueError, OverflowError) as error:
        status, message = 2, str(error)
    except (StoreError, OSError) as error:
        status, message = 1, str(error)
    typer.echo(message, err=True)
    raise typer.Exit(status)


def _audit(key: Path | None) -> Audit:
    return Audit(read_key(key) if key else None)


def _noted(witness: str | None) -> tuple[int, str] | None:
    if witness is None:
        return None
    parts = _WITNESS.fullmatch(witness)
    if parts is None:
        raise ValueError("a witness is a head as `audit verify` says it: SEQ:HASH")
    return int(parts[1]), parts[2]


def _minute(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M") if moment else ""
