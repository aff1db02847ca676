"""Merged streams: the items of several streams in the order in which they come. Streams may be added on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Merged(Generic[K, T]):
    """Several streams as one. No stream runs ahead by more than one item.

    Iterate over it inside `contextlib.aclosing`: what it still waits for is then cancelled.
    """

    def __init__(self) -> None:
        self._streams: dict[K, AsyncIterator[T]] = {}
        self._waiting: dict[asyncio.Task[T], K] = {}

    def add(self, key: K, stream: AsyncIterator[T]) -> None:
        """Add a stream under a key that no stream has which goes on."""
        self._streams[key] = stream

    async def drop(self, key: K) -> None:
        """Read no more of a stream, and close it. Does nothing if it has ended."""
        stream = self._streams.pop(key, None)
        for task in [task for task, own in self._waiting.items() if own == key]:
            del self._waiting[task]
            await _cancelled(task)
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()

    async def items(self) -> AsyncGenerator[tuple[K, T], None]:
        """Yield each item with the key of its stream, until all streams have ended. Raises what a stream raises."""
        try:
            while self._streams:
                if len(self._streams) == 1 and not self._waiting:
                    # The usual case needs no task.
                    ((key, stream),) = self._streams.items()
                    try:
                        item = await anext(stream)
                    except StopAsyncIteration:
                        self._streams.pop(key, None)
                        continue
                    yield key, item
                    continue
                waited_for = set(self._waiting.values())
                for key, stream in self._streams.items():
                    if key not in waited_for:
                        self._waiting[asyncio.ensure_future(_next(stream))] = key
                done, _ = await asyncio.wait(self._waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    # The consumer may have dropped its stream while it had another item.
                    if task not in self._waiting:
                        continue
                    key_of = self._waiting.pop(task)
                    try:
                        item = task.result()
                    except StopAsyncIteration:
                        self._streams.pop(key_of, None)
                        continue
                    yield key_of, item
        finally:
            for task in list(self._waiting):
                await _cancelled(task)
            self._waiting.clear()


async def _next(stream: AsyncIterator[T]) -> T:
    return await anext(stream)


async def _cancelled(task: asyncio.Task[T]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
