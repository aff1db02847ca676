"""The C library's allocator: what the server frees goes back to the operating system.

glibc raises the size from which on a block has pages of its own whenever it frees one, up to 32 MiB, and gives each thread
an arena (mallopt(3)). A policy that changes all the time then leaves holes between long-lived blocks, and after half an hour the
process holds a gigabyte that it does not use.
"""

from __future__ import annotations

import ctypes

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
_PAGES_OF_ITS_OWN = 1 << 20
_ARENAS = 2


def give_back_freed_memory() -> bool:
    """Give blocks of 1 MiB or more pages of their own, and use two arenas. Call it before threads start.

    Returns:
        Whether the C library has these settings. Others than glibc have not, and need them less.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _PAGES_OF_ITS_OWN)) and bool(mallopt(_M_ARENA_MAX, _ARENAS))
