"""Opens the audit log of a server: with the key that seals it, and with a note of its head outside the database.

Where the settings name no key, and the store is the server's own in its data folder, the server makes a key there at its
first start. Servers that share a database need one key for all of them, so none of them makes one: `GUARD_AUDIT_KEY` names
it.
"""

from __future__ import annotations

import logging
import os
import secrets
from pathlib import Path

from sqlalchemy import select

from server.store.audit.chain import read_key
from server.store.audit.log import Audit
from server.store.audit.noted import HeadFile
from server.store.audit.record import AUDIT, AuditError, state
from server.store.database.database import Database

logger = logging.getLogger(__name__)

KEY_FILE = "audit.key"
HEAD_FILE = "audit.head"


async def open_audit(
    database: Database, folder: Path, key_file: Path | None, *, shared: bool = False, keep_text: bool = False
) -> Audit:
    """Return the audit log of a store, ready to be written to.

    Args:
        database: The store.
        folder: The data folder.
        key_file: The file with the key; None for the key in the data folder.
        shared: Whether other servers may use the store, so that no key of one of them may seal the log.
        keep_text: Whether the log holds texts of requests.

    Raises:
        AuditError: The log is sealed, and its key is not in the data folder.
        ValueError: The file holds no key.
        OSError: The file, or the data folder, cannot be used.
    """
    key = read_key(key_file) if key_file else None if shared else await _own_key(database, folder)
    head = HeadFile(folder / HEAD_FILE)
    await _compare(database, head)
    return Audit(key, keep_text=keep_text, noted=head)


def own_key(folder: Path) -> bytes | None:
    """Return the key in a data folder, None if there is none. Raises ValueError if the file holds no key."""
    path = folder / KEY_FILE
    return read_key(path) if path.exists() else None


def made_key(folder: Path) -> bytes:
    """Return the key in a data folder, and make it if there is none. Only the server's own user may read it.

    Raises:
        OSError: The folder cannot be written to.
        ValueError: There is a file, and it holds no key.
    """
    path, new = folder / KEY_FILE, folder / f"{KEY_FILE}.{os.getpid()}"
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_hex(32).encode())
        file.flush()
        os.fsync(file.fileno())
    try:
        # Unlike a renaming, this leaves a key alone that another process has made meanwhile.
        os.link(new, path)
    except FileExistsError:
        pass
    finally:
        new.unlink()
    return read_key(path)


async def _own_key(database: Database, folder: Path) -> bytes | None:
    if key := own_key(folder):
        return key
    async with database.write() as session:
        head, seal, _ = await state(session)
        if seal is not None:
            raise AuditError(
                f"the audit log is sealed, and its key {folder / KEY_FILE} is gone: put it back, or name it with GUARD_AUDIT_KEY"
            )
        if head.seq and (fault := (await Audit().verify(session)).fault):
            logger.error("the audit log is not sealed, because it is damaged at %s", fault)
            return None
        key = made_key(folder)
        if head.seq:
            await Audit(key).seal(session)
        return key


async def _compare(database: Database, head: HeadFile) -> None:
    """Keep the note as it is if the log does not have the record that it names: it is the only trace of what was cut off."""
    if head.last is None:
        return
    seq, digest = head.last
    async with database.read() as session:
        found, _, _ = await state(session)
        held = (await session.execute(select(AUDIT.c.hash).where(AUDIT.c.seq == seq))).scalar_one_or_none()
    if seq > found.anchor_seq and held != digest:
        head.keep()
