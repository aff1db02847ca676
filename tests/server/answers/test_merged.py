"""Merged streams: every item of every stream arrives once, and what is dropped or left is closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from server.answers.merged import Merged


async def counted(name: str, count: int, closed: list[str], pause: float = 0) -> AsyncIterator[str]:
    try:
        for number in range(count):
            await asyncio.sleep(pause)
            yield f"{name}{number}"
    finally:
        closed.append(name)


async def test_a_single_stream_keeps_its_order() -> None:
    merged: Merged[str, str] = Merged()
    merged.add("a", counted("a", 3, []))
    assert [item async for item in merged.items()] == [("a", "a0"), ("a", "a1"), ("a", "a2")]


async def test_streams_that_are_added_on_the_way_are_read_too() -> None:
    merged: Merged[str, str] = Merged()
    closed: list[str] = []
    merged.add("a", counted("a", 3, closed))
    found = []
    async for _, item in merged.items():
        found.append(item)
        if item == "a0":
            merged.add("b", counted("b", 2, closed))
        if item == "b1":
            merged.add("c", counted("c", 1, closed))
    assert sorted(found) == ["a0", "a1", "a2", "b0", "b1", "c0"]
    for name in "ab":
        own = [item for item in found if item[0] == name]
        assert own == sorted(own)
    assert sorted(closed) == ["a", "b", "c"]


async def test_a_dropped_stream_ends_and_the_others_go_on() -> None:
    merged: Merged[str, str] = Merged()
    closed: list[str] = []
    merged.add("a", counted("a", 1000, closed))
    merged.add("b", counted("b", 3, closed, 0.001))
    found = []
    async for _, item in merged.items():
        found.append(item)
        if item == "a1":
            await merged.drop("a")
            await merged.drop("unknown")
    assert [item for item in found if item[0] == "a"][:2] == ["a0", "a1"]
    assert len([item for item in found if item[0] == "a"]) <= 3
    assert [item for item in found if item[0] == "b"] == ["b0", "b1", "b2"]
    assert sorted(closed) == ["a", "b"]


async def test_the_only_stream_can_be_dropped() -> None:
    merged: Merged[str, str] = Merged()
    closed: list[str] = []
    merged.add("a", counted("a", 1000, closed))
    found = []
    async for _, item in merged.items():
        found.append(item)
        await merged.drop("a")
    assert (found, closed) == (["a0"], ["a"])


async def test_any_key_will_do() -> None:
    merged: Merged[int | None, str] = Merged()
    merged.add(None, counted("a", 2, [], 0.001))
    merged.add(0, counted("b", 2, [], 0.001))
    assert sorted([item async for item in merged.items()], key=str) == [(0, "b0"), (0, "b1"), (None, "a0"), (None, "a1")]


async def test_what_a_stream_raises_is_raised() -> None:
    async def broken() -> AsyncIterator[str]:
        yield "x"
        raise ValueError("broken")

    merged: Merged[str, str] = Merged()
    merged.add("a", counted("a", 1000, [], 0.001))
    merged.add("b", broken())
    with pytest.raises(ValueError, match="broken"):
        async for _ in merged.items():
            pass


async def test_a_reader_that_leaves_cancels_what_it_waits_for() -> None:
    closed: list[str] = []
    merged: Merged[str, str] = Merged()
    merged.add("a", counted("a", 2, closed))
    merged.add("b", counted("b", 1, closed, 60))
    async with aclosing(merged.items()) as items:
        async for _ in items:
            break
    assert "b" in closed
