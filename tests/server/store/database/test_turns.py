"""Turns: in order, urgent ones first, and none is lost when somebody stops waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.store.database.turns import Turns


async def taken(turns: Turns, waiting: Sequence[tuple[str, bool]], leaving: Sequence[str] = ()) -> list[str]:
    """Have some wait while the lock is taken, have some of them stop, and return the order in which the others get it."""
    order: list[str] = []
    await turns.acquire()

    async def one(name: str, urgent: bool) -> None:
        await turns.acquire(urgent=urgent)
        order.append(name)
        await asyncio.sleep(0)
        turns.release()

    tasks = {name: asyncio.create_task(one(name, urgent)) for name, urgent in waiting}
    await asyncio.sleep(0)
    for name in leaving:
        tasks[name].cancel()
    turns.release()
    ends = await asyncio.gather(*tasks.values(), return_exceptions=True)
    # Nothing else may take the place of a cancellation: a loop that logs errors and goes on would never end.
    assert all(end is None or isinstance(end, asyncio.CancelledError) for end in ends), ends
    return order


async def test_turns_come_in_order_and_urgent_ones_first() -> None:
    assert await taken(Turns(), [("a", False), ("b", False), ("lease", True)]) == ["lease", "a", "b"]


async def test_who_stops_waiting_loses_nothing_for_the_others() -> None:
    turns = Turns()
    assert await taken(turns, [("a", False), ("b", False), ("c", False)], ["a", "b"]) in (["c"], ["b", "c"])
    assert await taken(turns, [("d", False)]) == ["d"]


@given(
    urgent=st.lists(st.booleans(), max_size=6),
    leaving=st.sets(st.integers(0, 5)),
)
def test_one_has_it_at_a_time_and_it_is_free_in_the_end(urgent: list[bool], leaving: set[int]) -> None:
    async def run() -> None:
        turns = Turns()
        waiting = [(str(number), one) for number, one in enumerate(urgent)]
        gone = [str(number) for number in sorted(leaving) if number < len(urgent)]
        order = await taken(turns, waiting, gone)
        assert len(order) == len(set(order))
        assert {name for name, _ in waiting} - set(gone) <= set(order)
        async with asyncio.timeout(1):
            await turns.acquire()

    asyncio.run(run())


async def test_a_turn_that_comes_with_the_end_of_the_wait_is_passed_on() -> None:
    turns = Turns()
    await turns.acquire()
    waiting = asyncio.create_task(turns.acquire())
    await asyncio.sleep(0)
    turns.release()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(1):
        await turns.acquire()
