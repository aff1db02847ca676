"""Work for a client that has gone is given up."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from server.http.disconnect import unless_gone


async def never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def gone() -> Message:
    return {"type": "http.disconnect"}


async def test_the_result_or_the_error_of_the_work() -> None:
    async def work(fails: bool) -> int:
        await asyncio.sleep(0)
        if fails:
            raise ValueError("x")
        return 3

    assert await unless_gone(work(False), never) == 3
    with pytest.raises(ValueError, match="x"):
        await unless_gone(work(True), never)


async def test_work_for_nobody_is_cancelled() -> None:
    cancelled = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with pytest.raises(ClientDisconnect):
        await unless_gone(work(), gone)
    await asyncio.wait_for(cancelled.wait(), 1)


async def test_who_is_cancelled_cancels_both() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("work")

    async def receive() -> Message:
        try:
            return await never()
        finally:
            ended.append("receive")

    task = asyncio.create_task(unless_gone(work(), receive))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert sorted(ended) == ["receive", "work"]
