"""Pauses: places in long work at which shorter work may pass, or at which the work ends because nobody wants its result.

A thread cannot be stopped from outside. So long work calls `pause` between its parts, and the thread that runs it says what is
to be done there (`paused_by`). On any other thread `pause` does nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Abandoned(Exception):
    """Nobody wants the result of this work any more."""


class _Own(threading.local):
    hook: Callable[[], None] | None = None


_OWN = _Own()


def pause() -> None:
    """Do what this thread does between two parts of long work. Raises Abandoned if nobody wants the result any more."""
    if _OWN.hook is not None:
        _OWN.hook()


def patient() -> bool:
    """Whether this thread does long work, so that other threads should go first."""
    return _OWN.hook is not None


@contextmanager
def paused_by(hook: Callable[[], None]) -> Iterator[None]:
    """Have this thread call `hook` at every `pause` in the block. The hook may raise Abandoned."""
    before, _OWN.hook = _OWN.hook, hook
    try:
        yield
    finally:
        _OWN.hook = before
