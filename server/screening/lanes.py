"""Lanes: the threads that screen. A short request need not wait for a long one."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

LONG = 1000
"""A request with this many characters or more is long. The encoder takes about one of its turns for that many."""

# Two, so that the next long request need not wait for one that is very long.
_LONG_LANES = 2
# Seconds after which Python interrupts a thread that computes so that another one can run. At the default of 5 ms, the event loop
# and short requests would make little progress while a long text is searched: the encoder alone has about sixty operations, and
# its thread has to wait after each.
_SWITCH_S = 0.0005


class Lanes:
    """One thread that screens short requests in batches, and two that screen one long request each.

    Short requests have one thread, because the processor limits the speed of encoding: a second thread would only slow down the
    first.
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
