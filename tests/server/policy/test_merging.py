"""One merge at a time: of a part when there are too many, of everything when nothing changes."""

from __future__ import annotations

import asyncio

import pytest

from server.policy import merging as module
from server.policy.merging import Merging


class Parts:
    """Notes what is merged; a merge lasts until it is let go."""

    def __init__(self) -> None:
        self.merged: list[bool] = []
        self.whole = False
        self.go = asyncio.Event()
        self.go.set()

    async def merge(self, whole: bool) -> None:
        self.merged.append(whole)
        await self.go.wait()
        self.whole = self.whole or whole


async def until(parts: Parts, merged: list[bool]) -> None:
    for _ in range(500):
        if parts.merged == merged:
            return
        await asyncio.sleep(0.01)
    assert parts.merged == merged


async def test_too_many_are_merged_at_once_and_only_one_at_a_time() -> None:
    parts = Parts()
    parts.go.clear()
    merging = Merging(parts.merge, lambda: parts.whole)
    merging.after_change(too_many=False)
    merging.after_change(too_many=True)
    await until(parts, [False])
    merging.after_change(too_many=True)
    await asyncio.sleep(0)
    assert parts.merged == [False]
    parts.go.set()
    await merging.everything()
    assert parts.merged == [False, True]
    merging.stop()


@pytest.mark.slow
async def test_all_is_merged_when_nothing_changes_unless_it_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUIET_S", 0.05)
    parts = Parts()
    merging = Merging(parts.merge, lambda: parts.whole)
    merging.after_change(too_many=False)
    await until(parts, [True])
    merging.after_change(too_many=False)
    await asyncio.sleep(0.3)
    assert parts.merged == [True]
    merging.stop()


@pytest.mark.slow
async def test_what_is_quiet_waits_for_a_merge_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUIET_S", 0.05)
    parts = Parts()
    parts.go.clear()
    merging = Merging(parts.merge, lambda: parts.whole)
    merging.after_change(too_many=True)
    await asyncio.sleep(0.3)
    assert parts.merged == [False]
    parts.go.set()
    await until(parts, [False, True])
    merging.stop()


@pytest.mark.slow
async def test_nothing_is_merged_after_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUIET_S", 0.05)
    parts = Parts()
    merging = Merging(parts.merge, lambda: parts.whole)
    merging.after_change(too_many=False)
    merging.stop()
    await asyncio.sleep(0.2)
    assert parts.merged == []
