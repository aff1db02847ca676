"""A fair lock: of the threads that wait for it, the one that has waited longest gets it next, and short work goes first."""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType

from classifiers.pauses import patient


class FairLock:
    """A lock, as a context manager, that threads get in the order in which they ask for it.

    A thread that does long work (`classifiers.pauses`) waits behind those that do not. It still gets its turn: a thread that
    releases the lock and asks again is behind the one that waits already.

    `threading.Lock` has no order. A thread that releases it and asks again at once mostly gets it again, because a thread that
    waits must first wake up.
    """

    def __init__(self) -> None:
        self._state = threading.Lock()
        self._held = False
        self._waiting: deque[threading.Lock] = deque()
        self._patient: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        with self._state:
            if not self._held:
                self._held = True
                return
            turn = threading.Lock()
            turn.acquire()
            (self._patient if patient() else self._waiting).append(turn)
        turn.acquire()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._state:
            waiting = self._waiting or self._patient
            if waiting:
                waiting.popleft().release()
            else:
                self._held = False
