"""The first admin key, from a file: a container has no shell in which to make one."""

from __future__ import annotations

import asyncio

import typer

from server.settings import Settings
from server.store import Database, StoreError
from server.store.audit import keys as recorded_keys
from server.store.audit.opening import open_audit
from server.store.columns import utc_now
from server.store.database.location import default_url
from server.store.keys import Keys

ACTOR = "settings"
"""The actor that the audit log names for this key."""


def first_key(settings: Settings) -> bool:
    """Make the admin key that the settings name a file for, if there is no key yet. Return whether there is any key.

    Raises:
        ValueError: The file does not hold a key.
        StoreError, OSError: The store, or the key of the audit log, cannot be read.
    """
    text = settings.admin_key()
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    return asyncio.run(_made(settings, text))


async def _made(settings: Settings, text: str | None) -> bool:
    database = await Database.open(settings.database or default_url(settings.data_dir))
    try:
        async with database.read() as session:
            if await Keys().any(session):
                return True
        if text is None:
            return False
        audit = await open_audit(database, settings.data_dir, settings.audit_key, shared=settings.database is not None)
        try:
            async with database.write() as session:
                if await Keys().any(session):
                    return True
                name = "first key, from GUARD_ADMIN_KEY_FILE"
                key, _ = await recorded_keys.create(session, audit, ACTOR, "admin", name, utc_now(), text=text)
        except StoreError:
            # Another server that starts on the same store may have made it.
            async with database.read() as session:
                if await Keys().any(session):
                    return True
            raise
        except ValueError as error:
            raise ValueError(f"GUARD_ADMIN_KEY_FILE: {settings.admin_key_file} holds no API key: {error}") from None
        typer.echo(f"Made the admin key {key.id} from GUARD_ADMIN_KEY_FILE.", err=True)
        return True
    finally:
        await database.close()
