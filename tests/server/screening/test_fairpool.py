"""Clients take turns, and work that nobody wants ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from classifiers.pauses import Abandoned, pause
from server.screening.fairpool import FairPool


class Work:
    """Pieces of work that run until they are let go."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.may = threading.Semaphore(0)
        self.now = 0
        self.most = 0
        self._lock = threading.Lock()

    def __call__(self, name: str) -> Callable[[], str]:
        def work() -> str:
            with self._lock:
                self.begun.append(name)
                self.now += 1
                self.most = max(self.most, self.now)
            assert self.may.acquire(timeout=10)
            with self._lock:
                self.now -= 1
            return name

        return work


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def pool() -> Iterator[FairPool]:
    pool = FairPool(2, "test")
    yield pool
    pool.shutdown()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def test_f2_one_client_s_work_keeps_only_itself_waiting(pool: FairPool, work: Work) -> None:
    greedy = [asyncio.create_task(pool.run("greedy", work(f"greedy {n}"))) for n in range(5)]
    await until(lambda: work.begun == ["greedy 0"])
    other = asyncio.create_task(pool.run("other", work("other")))
    await until(lambda: "other" in work.begun)
    assert work.begun == ["greedy 0", "other"]
    for _ in range(6):
        work.may.release()
    assert await other == "other"
    assert await asyncio.gather(*greedy) == [f"greedy {n}" for n in range(5)]


async def test_f2_clients_take_turns(work: Work) -> None:
    pool = FairPool(1, "test")
    tasks = [asyncio.create_task(pool.run(client, work(f"{client}{n}"))) for client in "ab" for n in range(3)]
    for _ in tasks:
        work.may.release()
    await asyncio.gather(*tasks)
    assert work.begun == ["a0", "b0", "a1", "b1", "a2", "b2"]
    assert work.most == 1
    pool.shutdown()


async def test_f2_work_whose_caller_leaves_does_not_begin_or_ends_at_a_pause(pool: FairPool) -> None:
    begun, ended = threading.Event(), list[str]()

    def long() -> None:
        begun.set()
        try:
            while True:
                pause()
                threading.Event().wait(0.001)
        except Abandoned:
            ended.append("long")
            raise

    running = asyncio.create_task(pool.run("a", long))
    waiting = asyncio.create_task(pool.run("a", lambda: ended.append("never")))
    await until(begun.is_set)
    waiting.cancel()
    running.cancel()
    await asyncio.gather(running, waiting, return_exceptions=True)
    await until(lambda: ended == ["long"])
    # The turn is free again.
    assert await asyncio.wait_for(pool.run("a", lambda: 3), 5) == 3
    assert ended == ["long"]
    assert (pool._free, pool._working, list(pool._waiting)) == (2, set(), [])


async def test_a_thread_is_not_free_before_its_work_has_ended(work: Work) -> None:
    pool = FairPool(1, "test")
    first = asyncio.create_task(pool.run("a", work("first")))
    await until(lambda: work.begun == ["first"])
    first.cancel()
    second = asyncio.create_task(pool.run("b", work("second")))
    await asyncio.sleep(0.05)
    assert work.begun == ["first"]
    work.may.release()
    await until(lambda: work.begun == ["first", "second"])
    work.may.release()
    assert await second == "second"
    pool.shutdown()


async def test_errors_are_raised_and_free_the_thread(pool: FairPool) -> None:
    for _ in range(5):
        with pytest.raises(ValueError, match="x"):
            await pool.run("a", lambda: int("x"))


async def test_a_pause_does_what_the_pool_says() -> None:
    seen: list[int] = []
    pool = FairPool(1, "test", between=lambda: seen.append(1))
    await pool.run("a", lambda: [pause() for _ in range(3)])
    # Once before the work.
    assert seen == [1, 1, 1, 1]
    pause()
    assert seen == [1, 1, 1, 1]
    pool.shutdown()


async def test_a_pool_that_is_shut_down_refuses() -> None:
    pool = FairPool(1, "test")
    pool.shutdown()
    for _ in range(2):
        with pytest.raises(RuntimeError):
            await asyncio.wait_for(pool.run("a", lambda: 1), 5)
