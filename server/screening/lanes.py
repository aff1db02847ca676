"""Lanes: the threads that screen, so that a long request does not stand in the way of a short one."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

LONG = 1000
"""Characters from which on a request is a long one: about as many as take the encoder one of its turns."""

# Two, so that one very long request does not hold up the next long one.
_LONG_LANES = 2
# Seconds after which Python interrupts a thread that computes for one that waits. At the usual 5 ms the event loop, and a short
# request, which waits at each of some sixty operations of the encoder, would hardly move beside a long text that is searched.
_SWITCH_S = 0.0005


class Lanes:
    """One thread for short requests, several at a time; two for long ones, one request each.

    One for the short ones: encoding is bound by the processor, and a second thread would only make both slower.
    """

    def __init__(self) -> None:
        self.short = ThreadPoolExecutor(1, thread_name_prefix="screening")
        self.long = ThreadPoolExecutor(_LONG_LANES, thread_name_prefix="screening-long")
        self._interval = sys.getswitchinterval()

    def __enter__(self) -> Lanes:
        sys.setswitchinterval(_SWITCH_S)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.short.shutdown(cancel_futures=True)
        self.long.shutdown(cancel_futures=True)
        sys.setswitchinterval(self._interval)
