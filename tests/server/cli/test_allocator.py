"""The allocator's settings, each tried in a process of its own: they cannot be taken back."""

from __future__ import annotations

import subprocess
import sys

import pytest

from server.cli import allocator

# Blocks of 2 MiB come and go, of which each leaves a small block behind it, as a policy that changes all the time does.
_WORK = """
import ctypes, sys
from server.cli.allocator import give_back_freed_memory
if sys.argv[1] == "set":
    assert give_back_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
libc.free(libc.malloc(30 << 20))
blocks = []
for _ in range(100):
    blocks.append(libc.malloc(2 << 20))
    ctypes.memset(blocks[-1], 1, 2 << 20)
    libc.malloc(2000)
for block in blocks:
    libc.free(block)
with open("/proc/self/statm") as file:
    print(int(file.read().split()[1]) * 4 // 1024)
"""


def held(how: str) -> int:
    """Return the MB of a process that has freed 200 MB, with the settings or without."""
    done = subprocess.run([sys.executable, "-c", _WORK, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_what_is_freed_goes_back() -> None:
    without = held("leave")
    if without < 150:
        pytest.skip("this C library gives it back anyway")
    assert held("set") < without - 150


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda _: object())
    assert not allocator.give_back_freed_memory()
