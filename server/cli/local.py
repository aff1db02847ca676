"""`guard-server keys ...`, `audit ...` and `migrate`, which work on the store itself, with or without a running server.

A running server uses changed keys within a second. All commands exit with status 2 if an argument is not valid, and with status 1
if the store refuses. `audit verify` exits with status 1 if the log has a fault.
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
from server.store.audit.noted import HeadFile, witness_in
from server.store.audit.opening import HEAD_FILE, made_key, open_audit, own_key
from server.store.columns import utc_now
from server.store.database.database import Database
from server.store.database.location import default_url
from server.store.errors import StoreError
from server.store.keys import ApiKey, Keys, Role

ACTOR = "cli"
"""The actor that the audit log names for the command line."""

_T = TypeVar("_T")
_DURATION = re.compile(r"([0-9]{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def migrate(url: str) -> None:
    """Bring the store to the schema of this version. A server does the same when it starts."""

    async def opened(database: Database) -> str:
        return database.location.dialect

    typer.echo(f"The {_on(url, opened)} store has the schema of this version.")


def keys_create(
    url: str,
    role: str,
    name: str,
    *,
    expires: str | None = None,
    rate: int | None = None,
    burst: int | None = None,
    audit_key: Path | None = None,
    folder: Path | None = None,
) -> None:
    """Make a key. Its text goes to standard output, everything else to standard error.

    Args:
        url: the store.
        role: `client`, `auditor` or `admin`.
        name: what the key is for.
        expires: how long it lasts, such as `30d`; for ever if None.
        rate: how many requests it may make per minute; no limit if None.
        burst: how many requests it may make at once; as many as `rate` if None.
        audit_key: the file with the key of the audit log.
        folder: the data folder, which holds the audit log's own key and the note of its head; None: there is none.
    """

    async def create(database: Database) -> tuple[ApiKey, str]:
        audit, now = await _audit(database, url, audit_key, folder), utc_now()
        expires_at = now + duration(expires) if expires else None
        async with database.write() as session:
            # `Keys.create` checks the role, whatever its text is.
            return await recorded_keys.create(
                session, audit, ACTOR, cast("Role", role), name, now, expires_at=expires_at, rate_per_minute=rate, burst=burst
            )

    key, text = _on(url, create)
    typer.echo(f"Key {key.id} with the role {key.role}. Save it now: it is not shown again.", err=True)
    typer.echo(text)


def keys_list(url: str) -> None:
    """Print all keys, without their secrets."""

    async def listed(database: Database) -> list[ApiKey]:
        async with database.read() as session:
            return list(await Keys().list(session))

    # People copy an id into the next command, so it is never wrapped.
    table = Table(Column("id", no_wrap=True), "role", "name", "created", "expires", "revoked", "last used", "limit")
    for key in _on(url, listed):
        times = (key.created_at, key.expires_at, key.revoked_at, key.last_used_at)
        limit = f"{key.rate_per_minute}/min, {key.burst or key.rate_per_minute} at once" if key.rate_per_minute else ""
        # rich reads no markup in a Text.
        cells = [key.id, key.role, key.name, *map(_minute, times), limit]
        table.add_row(*(Text(cell) for cell in cells))
    Console().print(table)


def keys_revoke(url: str, key_id: str, *, audit_key: Path | None = None, folder: Path | None = None) -> None:
    """Revoke a key."""

    async def revoke(database: Database) -> ApiKey:
        audit = await _audit(database, url, audit_key, folder)
        async with database.write() as session:
            return await recorded_keys.revoke(session, audit, ACTOR, key_id, utc_now())

    key = _on(url, revoke)
    typer.echo(f"Key {key.id} was revoked at {_minute(key.revoked_at)} UTC.", err=True)


def audit_verify(url: str, *, audit_key: Path | None = None, witness: str | None = None, folder: Path | None = None) -> None:
    """Verify the audit log. Print the first fault, or the head as `SEQ:HASH`, which you can note in another place.

    `witness` is a head that was noted earlier: the log must still have its record. So must it have the one that is noted in the
    data folder, unless that record was pruned.
    """

    async def verify(database: Database) -> Verification:
        key = read_key(audit_key) if audit_key else own_key(folder) if folder and url == default_url(folder) else None
        given, audit = _noted(witness), Audit(key)
        own = HeadFile(folder / HEAD_FILE).last if folder else None
        async with database.read() as session:
            found = await audit.verify(session, given)
            if own and found.ok and own[0] >= found.head.anchor_seq:
                return await audit.verify(session, own)
            return found

    found = _on(url, verify)
    if found.fault:
        typer.echo(f"The audit log is broken at {found.fault}.", err=True)
        raise typer.Exit(1)
    sealed = {True: "sealed", False: "not sealed", None: "sealed, and the seal was not checked: give --audit-key"}[found.sealed]
    typer.echo(f"The audit log holds: {found.checked} records, {sealed}; head {found.head.seq}:{found.head.hash}")


def audit_seal(url: str, audit_key: Path | None, folder: Path | None = None) -> None:
    """Verify an audit log that was begun without a key, and seal it. From then on, writing to it needs the key.

    Without `audit_key` it is sealed with the key in the data folder, which is made if there is none.
    """

    async def seal(database: Database) -> Verification:
        if audit_key is None and folder is None:
            raise ValueError("sealing the audit log needs a key: give one with --audit-key")
        audit = Audit(read_key(audit_key) if audit_key else made_key(cast("Path", folder)))
        async with database.write() as session:
            return await audit.seal(session)

    found = _on(url, seal)
    typer.echo(f"The audit log is sealed: {found.checked} records; head {found.head.seq}:{found.head.hash}")


def audit_prune(url: str, older_than: str, *, audit_key: Path | None = None, folder: Path | None = None) -> None:
    """Remove the records that are older than `older_than`, such as `365d`, and record the removal."""

    async def prune(database: Database) -> int:
        audit, before = await _audit(database, url, audit_key, folder), utc_now() - duration(older_than)
        removed, limit = 0, 10_000
        while True:
            async with database.write() as session:
                some = await audit.prune(session, before, ACTOR, limit)
            removed += some
            if some < limit:
                return removed

    typer.echo(f"{_on(url, prune)} records removed.")


def audit_export(url: str) -> None:
    """Print the audit log as JSON lines, oldest first, with all that its hashes cover."""

    async def export(database: Database) -> None:
        async with database.read() as session:
            async for record in Audit().records(session):
                typer.echo(canonical(asdict(record)))

    _on(url, export)


def duration(text: str) -> timedelta:
    """Return the duration in `text`: a whole number and s, m, h, d or w. Raises ValueError if it is something else."""
    parts = _DURATION.fullmatch(text)
    if parts is None:
        raise ValueError(f"{text!r} is no duration: write a number and s, m, h, d or w, such as 30d")
    return timedelta(**{_UNITS[parts[2]]: int(parts[1])})


def _on(url: str, work: Callable[[Database], Awaitable[_T]]) -> _T:
    """Return the result of `work` on the database at `url`. Exits if it fails."""

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


async def _audit(database: Database, url: str, key: Path | None, folder: Path | None) -> Audit:
    """Return the audit log, ready to be written to."""
    if folder is None:
        return Audit(read_key(key) if key else None)
    return await open_audit(database, folder, key, shared=url != default_url(folder))


def _noted(witness: str | None) -> tuple[int, str] | None:
    if witness is None:
        return None
    found = witness_in(witness)
    if found is None:
        raise ValueError(f"{witness!r} is no witness: give a head as `audit verify` prints it, SEQ:HASH")
    return found


def _minute(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M") if moment else ""
