"""The batcher: items that arrive while a slow function runs become its next batch. The function runs on a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Batcher(Generic[T, R]):
    """Runs `call` on batches of at most `limit` items in `executor`.

    An item never waits for others: if no batch runs, it runs at once. The items that arrive meanwhile make up the next batch,
    without those whose caller has been cancelled.
    """

    def __init__(self, call: Callable[[Sequence[T]], Sequence[R]], executor: Executor, limit: int = 32) -> None:
        self._call = call
        self._executor = executor
        self._limit = limit
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def submit(self, item: T) -> R:
        """Return what `call` returns for this item. Raises what `call` raises."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        while self._waiting:
            waiting = [(item, future) for item, future in self._waiting if not future.done()]
            batch, self._waiting = waiting[: self._limit], waiting[self._limit :]
            if batch:
                await self._run(batch)

    async def _run(self, batch: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
        items = [item for item, _ in batch]
        try:
            results = await asyncio.get_running_loop().run_in_executor(self._executor, self._call, items)
            if len(results) != len(items):
                raise RuntimeError(f"the function returned {len(results)} results for {len(items)} items")
        except Exception as error:
            if len(batch) > 1:
                # An item that fails must not fail the others.
                for single in batch:
                    await self._run([single])
                return
            if not batch[0][1].done():
                batch[0][1].set_exception(error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():  # it is done if the caller was cancelled
                future.set_result(result)
