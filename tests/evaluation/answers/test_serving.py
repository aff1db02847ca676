"""One server under one policy after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evaluation.answers import serving as module
from evaluation.answers.serving import Serving, serving
from server.errors import EngineFailure


def app_of(miss_rate: float = 0.01, calibration: object = "first") -> Any:
    running = SimpleNamespace(recalibration=SimpleNamespace(calibration=calibration))
    return SimpleNamespace(
        state=SimpleNamespace(service=SimpleNamespace(running=running, settings=SimpleNamespace(miss_rate=miss_rate)))
    )


@pytest.fixture
def imported(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The policies that are imported; each is calibrated at once."""
    found: list[str] = []

    async def imports(app: Any, policy: str) -> None:
        found.append(policy)
        app.state.service.running.recalibration.calibration = policy

    async def sleep(_: float) -> None:
        """Nothing has to come into force here."""

    monkeypatch.setattr(module, "import_policy", imports)
    monkeypatch.setattr(module, "asyncio", SimpleNamespace(sleep=sleep))
    return found


async def test_the_policy_that_is_in_force_is_not_imported(imported: list[str]) -> None:
    served = Serving(app_of(), "one")
    await served.calibrated()
    for policy in ("one", "two", "two", "one"):
        await served.enforce(policy)
    assert imported == ["two", "one"]


async def test_a_server_is_ready_when_it_is_calibrated(imported: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[str, str, tuple[str, ...]]] = []

    @asynccontextmanager
    async def running() -> AsyncIterator[Any]:
        yield app_of()

    def demo_server(model: str, policy: Path, engine: tuple[str, ...]) -> Any:
        started.append((model, policy.read_text(encoding="utf-8"), engine))
        return running()

    monkeypatch.setattr(module, "demo_server", demo_server)
    async with serving("model", "version: 1 # é", ("--eager",)) as served:
        assert served.service is served.app.state.service
    assert started == [("model", "version: 1 # é", ("--eager",))]
    assert imported == []


async def test_a_calibration_that_does_not_come_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CALIBRATION_S", 0.0)
    with pytest.raises(EngineFailure, match="not calibrated within 0 s"):
        await asyncio.wait_for(Serving(app_of(calibration=None), "one").calibrated(), 5)


async def test_without_calibration_there_is_nothing_to_wait_for() -> None:
    await asyncio.wait_for(Serving(app_of(miss_rate=0, calibration=None), "one").calibrated(), 5)
