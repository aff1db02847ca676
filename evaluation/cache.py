"""The cache of models: each is made once per user, in a folder that is complete or absent."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs


def default_cache_dir() -> Path:
    """Return $GUARD_CACHE_DIR, or else the user's cache folder for guard-server."""
    override = os.environ.get("GUARD_CACHE_DIR")
    return Path(override).expanduser() if override else platformdirs.user_cache_path("guard-server")


def made_once(folder: Path, last: str, make: Callable[[Path], object]) -> Path:
    """Return `folder`; call `make` with it first if the file `last` is not in it.

    Processes that want the same folder at the same time wait for the one that makes it.

    Args:
        folder: The folder.
        last: A file that a complete folder has.
        make: Makes the folder. Its errors are raised.
    """
    if (folder / last).is_file():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the system releases it, however this process ends
        if not (folder / last).is_file():
            make(folder)
    return folder


@contextmanager
def complete_or_absent(out: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `out` that is renamed to `out` at the end, and removed after an error.

    The next process that makes the same folder removes what a killed process left.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{out.name}.partial-"
    for stale in out.parent.glob(f"{prefix}*"):
        owner = stale.name.removeprefix(prefix).partition("-")[0]
        if not (owner.isdigit() and Path(f"/proc/{owner}").exists()):
            shutil.rmtree(stale, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=out.parent))
    try:
        yield folder
        folder.chmod(0o755)  # with mkdtemp's 0700, a server of another user could not read it
        folder.replace(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
