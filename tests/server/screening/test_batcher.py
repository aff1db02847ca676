"""Micro-batches: order, company, errors and cancellation."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from server.screening.batcher import Batcher


async def test_each_caller_gets_its_own_result_and_those_who_wait_go_together() -> None:
    gate, sizes = threading.Event(), []

    def call(items: Sequence[int]) -> list[int]:
        sizes.append(len(items))
        gate.wait(5)
        return [item * item for item in items]

    with ThreadPoolExecutor(1) as pool:
        batcher = Batcher(call, pool, limit=8)
        first = asyncio.create_task(batcher.submit(0))
        await asyncio.sleep(0.05)
        others = [asyncio.create_task(batcher.submit(n)) for n in range(1, 20)]
        await asyncio.sleep(0.05)
        gate.set()
        assert await asyncio.gather(first, *others) == [n * n for n in range(20)]
    assert sizes == [1, 8, 8, 3]


async def test_a_bad_item_fails_alone() -> None:
    def call(items: Sequence[int]) -> list[int]:
        if 3 in items:
            raise ValueError("three")
        return list(items)

    with ThreadPoolExecutor(1) as pool:
        batcher = Batcher(call, pool)
        results = await asyncio.gather(*(batcher.submit(n) for n in range(5)), return_exceptions=True)
    assert [r for n, r in enumerate(results) if n != 3] == [0, 1, 2, 4]
    assert isinstance(results[3], ValueError)


async def test_a_wrong_number_of_results_is_an_error() -> None:
    with ThreadPoolExecutor(1) as pool, pytest.raises(RuntimeError, match="0 results for 1 items"):
        await Batcher(lambda _: [], pool).submit(1)


async def test_a_caller_who_leaves_does_not_disturb_the_others() -> None:
    with ThreadPoolExecutor(1) as pool:
        batcher = Batcher(list, pool)
        leaving, staying = (asyncio.create_task(batcher.submit(n)) for n in range(2))
        await asyncio.sleep(0)
        leaving.cancel()
        assert await staying == 1
        assert await batcher.submit(2) == 2


async def test_a_caller_who_leaves_while_waiting_is_left_out() -> None:
    gate, seen = threading.Event(), []

    def call(items: Sequence[int]) -> list[int]:
        seen.extend(items)
        assert gate.wait(5)
        return list(items)

    with ThreadPoolExecutor(1) as pool:
        batcher = Batcher(call, pool)
        first = asyncio.create_task(batcher.submit(0))
        await asyncio.sleep(0.05)
        waiting = [asyncio.create_task(batcher.submit(n)) for n in range(1, 5)]
        await asyncio.sleep(0)
        for task in waiting[::2]:
            task.cancel()
        await asyncio.sleep(0)
        gate.set()
        assert await first == 0
        assert await asyncio.gather(*waiting[1::2]) == [2, 4]
    assert seen == [0, 2, 4]
