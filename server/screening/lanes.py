"""Lanes: the threads that screen. A short request need not wait for a long one, nor for a long one of another client."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType

from server.screening.fairpool import FairPool

LONG = 1000
"""A request with this many characters or more is long. The encoder takes about one of its turns for that many."""

# Two, so that a long request need not wait for a very long one of another client.
_LONG_LANES = 2
# Seconds after which Python interrupts a thread that computes so that another one can run. At the default of 5 ms, the event loop
# and short requests would make little progress while a long text is searched: the encoder alone has about sixty operations, and
# its thread has to wait after each.
_SWITCH_S = 0.0005
# Seconds for which a long request lets short ones pass at each pause in its work. If short requests come without end, it still
# makes progress.
_LET_PASS_S = 0.05


class Lanes:
    """One thread that screens short requests in batches, two that screen one long request each, and one that reads large bodies.

    Short requests have one thread, because the processor limits the speed of encoding: a second thread would only slow down the
    first. Long requests and large bodies pause while a short one is screened, and clients take turns with them.
    """

    def __init__(self) -> None:
        self.short = ThreadPoolExecutor(1, thread_name_prefix="screening")
        self.long = FairPool(_LONG_LANES, "screening-long", self._let_pass)
        self.bodies = FairPool(1, "bodies", self._let_pass)
        self._short = 0
        self._none_short = threading.Event()
        self._none_short.set()
        self._interval = sys.getswitchinterval()

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Have long requests let a short one pass that is screened in the block. Call it on the event loop."""
        self._short += 1
        self._none_short.clear()
        try:
            yield
        finally:
            self._short -= 1
            if not self._short:
                self._none_short.set()

    def _let_pass(self) -> None:
        self._none_short.wait(_LET_PASS_S)

    def __enter__(self) -> Lanes:
        sys.setswitchinterval(_SWITCH_S)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.short.shutdown(cancel_futures=True)
        self.long.shutdown()
        self.bodies.shutdown()
        sys.setswitchinterval(self._interval)
