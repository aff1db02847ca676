"""A client has a limited number of places, and one client's requests take none of another's."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from server.errors import RateLimited
from server.http.admission import Admission


async def hold(admission: Admission, client: str, done: asyncio.Event, order: list[str], name: str = "") -> None:
    async with admission.place(client):
        order.append(name or client)
        await done.wait()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_f10_a_client_that_asks_too_much_at_once_waits_and_then_is_refused() -> None:
    admission, done, order = Admission(2, 1), asyncio.Event(), list[str]()
    going = [asyncio.create_task(hold(admission, "a", done, order, str(n))) for n in range(3)]
    await settled()
    assert order == ["0", "1"]
    with pytest.raises(RateLimited) as caught:
        async with admission.place("a"):
            raise AssertionError
    assert caught.value.status == 429
    assert int(caught.value.headers["Retry-After"]) >= 1
    # Another client is not affected.
    async with admission.place("b"):
        pass
    done.set()
    await asyncio.gather(*going)
    assert order == ["0", "1", "2"]
    assert admission._lines == {}


async def test_places_are_given_in_order() -> None:
    admission, order = Admission(1, 10), list[str]()
    events = [asyncio.Event() for _ in range(4)]
    tasks = [asyncio.create_task(hold(admission, "a", event, order, str(n))) for n, event in enumerate(events)]
    for n, event in enumerate(events):
        await settled()
        assert order == [str(m) for m in range(n + 1)]
        event.set()
    await asyncio.gather(*tasks)


async def test_who_leaves_while_it_waits_takes_no_place() -> None:
    admission, first, later, order = Admission(1, 10), asyncio.Event(), asyncio.Event(), list[str]()
    going = asyncio.create_task(hold(admission, "a", first, order, "going"))
    leaves = asyncio.create_task(hold(admission, "a", later, order, "leaves"))
    stays = asyncio.create_task(hold(admission, "a", later, order, "stays"))
    await settled()
    leaves.cancel()
    first.set()
    await settled()
    assert order == ["going", "stays"]
    later.set()
    await asyncio.gather(going, stays)
    assert admission._lines == {}


async def test_who_leaves_at_the_moment_at_which_its_place_comes_passes_it_on() -> None:
    admission, done, order = Admission(1, 10), asyncio.Event(), list[str]()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(admission.place("a"))
        leaves = asyncio.create_task(hold(admission, "a", done, order, "leaves"))
        stays = asyncio.create_task(hold(admission, "a", done, order, "stays"))
        await settled()
    # The place has been given, and the task has not run since.
    leaves.cancel()
    await settled()
    assert order == ["stays"]
    done.set()
    await stays
    assert admission._lines == {}


async def test_the_time_to_wait_follows_how_long_requests_take() -> None:
    now = 0.0
    admission = Admission(1, 2, clock=lambda: now)
    for _ in range(100):
        async with admission.place("a"):
            now += 10
    done, order = asyncio.Event(), list[str]()
    tasks = [asyncio.create_task(hold(admission, "a", done, order)) for _ in range(3)]
    await settled()
    with pytest.raises(RateLimited) as caught:
        async with admission.place("a"):
            raise AssertionError
    assert caught.value.headers["Retry-After"] == "30"
    done.set()
    await asyncio.gather(*tasks)
