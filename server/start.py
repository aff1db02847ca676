"""What a server takes hold of when it starts: its data folder and its store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from server.settings import Settings
from server.store import Database, StoreError
from server.store.database.location import default_url


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Make the folder, and keep other servers away from it: one could remove a restriction that another is about to load.

    Raises:
        RuntimeError: another process has the folder, or it cannot be written to.
    """
    lock = FileLock(folder / "lock", timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock.acquire()
    except Timeout:
        raise RuntimeError(f"{folder} is used by another server process: give each its own with --data-dir") from None
    except OSError as error:
        raise RuntimeError(
            f"the data folder {folder} cannot be written to ({error.strerror}): make it writable, or give another with --data-dir"
        ) from error
    try:
        yield
    finally:
        lock.release()


async def open_store(settings: Settings) -> Database:
    """Open the store. Raises RuntimeError, which says what to check, if that is not possible."""
    try:
        return await Database.open(settings.database or default_url(settings.data_dir))
    except (StoreError, ValueError, OSError) as error:
        named = "that GUARD_DATABASE names" if settings.database else f"in the data folder {settings.data_dir}"
        raise RuntimeError(
            f"the store {named} cannot be opened: {error}. Check that it exists and lets this server in"
        ) from error
