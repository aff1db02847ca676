"""Who asks first is first."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from classifiers.meaning.fairlock import FairLock
from classifiers.pauses import paused_by


def test_one_at_a_time() -> None:
    lock, inside, most = FairLock(), 0, 0

    def work(_: int) -> None:
        nonlocal inside, most
        for _ in range(200):
            with lock:
                inside += 1
                most = max(most, inside)
                inside -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert (inside, most) == (0, 1)


def test_in_the_order_of_asking() -> None:
    lock, order = FairLock(), []

    def work(number: int) -> None:
        with lock:
            order.append(number)

    with lock:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
        for thread in threads:
            thread.start()
            time.sleep(0.02)
    for thread in threads:
        thread.join()
    assert order == list(range(5))


def test_who_asks_again_stands_behind_who_waits() -> None:
    lock, order = FairLock(), []
    waiting = threading.Event()

    def other() -> None:
        waiting.set()
        with lock:
            order.append("other")

    thread = threading.Thread(target=other)
    for turn in range(20):
        with lock:
            order.append("greedy")
            if turn == 0:
                thread.start()
                waiting.wait()
                time.sleep(0.05)
    thread.join()
    assert order.index("other") == 1


def test_an_exception_lets_go() -> None:
    lock = FairLock()
    with pytest.raises(ValueError, match="x"), lock:
        raise ValueError("x")
    with lock:
        pass


def test_f2_long_work_waits_behind_short_work_and_still_gets_its_turn() -> None:
    lock, order = FairLock(), list[str]()

    def long(name: str) -> None:
        with paused_by(lambda: None), lock:
            order.append(name)

    def short(name: str) -> None:
        with lock:
            order.append(name)

    with lock:
        threads = []
        for work, name in ((long, "long 0"), (long, "long 1"), (short, "short 0"), (short, "short 1")):
            threads.append(threading.Thread(target=work, args=(name,)))
            threads[-1].start()
            time.sleep(0.02)
    for thread in threads:
        thread.join()
    assert order == ["short 0", "short 1", "long 0", "long 1"]
