"""What tests ask the system about processes."""

from __future__ import annotations

import psutil


def lives(process: psutil.Process) -> bool:
    """Whether a process runs."""
    # One that nobody has waited for is still listed.
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
