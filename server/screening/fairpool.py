"""A fair pool: threads for long work, on which clients take turns."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from classifiers.pauses import Abandoned, paused_by

R = TypeVar("R")


class FairPool:
    """Threads that do one piece of work per client at a time, and take the clients in turn.

    A client with much work keeps only itself waiting: while it has a thread, its next piece waits, and others go before it. Call
    it from one event loop.
    """

    def __init__(self, threads: int, name: str, between: Callable[[], None] = lambda: None) -> None:
        """Start no thread yet.

        Args:
            threads: How many pieces of work run at once.
            name: The beginning of the threads' names.
            between: What a thread does before its work, and at each pause in it (`classifiers.pauses`).
        """
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._between = between
        self._free = threads
        self._working: set[str] = set()
        # The clients in the order of their turns, each with the pieces that wait.
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    async def run(self, client: str, call: Callable[[], R]) -> R:
        """Return what `call` returns on a thread. Raises what it raises.

        A call whose caller is cancelled does not run, or ends at its next pause.
        """
        loop = asyncio.get_running_loop()
        await self._turn(client)
        unwanted = threading.Event()
        try:
            running = self._executor.submit(self._run, call, unwanted)
        except RuntimeError:  # the pool is shut down
            self._done(client)
            raise
        # The thread has the client's turn until it ends, whatever becomes of the caller.
        running.add_done_callback(lambda _: _on(loop, self._done, client))
        try:
            return await asyncio.wrap_future(running)
        finally:
            unwanted.set()

    def shutdown(self) -> None:
        """End the threads when their work has ended."""
        self._executor.shutdown(cancel_futures=True)

    def _run(self, call: Callable[[], R], unwanted: threading.Event) -> R:
        def hook() -> None:
            if unwanted.is_set():
                raise Abandoned
            self._between()

        with paused_by(hook):
            hook()
            return call()

    async def _turn(self, client: str) -> None:
        """Wait for a thread and the client's turn."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client, deque()).append(turn)
        self._give()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._done(client)
            else:
                self._give()
            raise

    def _done(self, client: str) -> None:
        self._free += 1
        self._working.discard(client)
        if client in self._waiting:
            self._waiting.move_to_end(client)
        self._give()

    def _give(self) -> None:
        """Give free threads to the clients whose turn it is."""
        for client in list(self._waiting):
            pieces = self._waiting[client]
            while pieces and pieces[0].done():  # cancelled
                pieces.popleft()
            if not pieces:
                del self._waiting[client]
            elif self._free and client not in self._working:
                self._free -= 1
                self._working.add(client)
                pieces.popleft().set_result(None)
                if not pieces:
                    del self._waiting[client]


def _on(loop: asyncio.AbstractEventLoop, call: Callable[[str], None], client: str) -> None:
    with suppress(RuntimeError):  # the loop has ended, and with it the pool
        loop.call_soon_threadsafe(call, client)
