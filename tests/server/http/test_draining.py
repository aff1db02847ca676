"""Once the server is to stop, requests in progress may end and new ones are refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from server.errors import NotReady
from server.http.draining import DrainGate, Draining


async def test_it_waits_for_requests_in_progress() -> None:
    draining = Draining()
    with draining.request():
        finishing = asyncio.create_task(draining.finish(10))
        await asyncio.sleep(0.01)
        assert draining.begun
        assert not finishing.done()
    assert await finishing
    assert not draining.over


async def test_without_requests_it_is_over_at_once() -> None:
    assert await asyncio.wait_for(Draining().finish(10), 1)


async def test_requests_that_last_too_long_are_ended() -> None:
    draining = Draining()

    async def request() -> None:
        with draining.request():
            deadline = asyncio.timeout(1000)
            async with deadline:
                with draining.ending(deadline):
                    await asyncio.Event().wait()

    going = asyncio.create_task(request())
    await asyncio.sleep(0)
    assert not await asyncio.wait_for(draining.finish(0.05), 5)
    with pytest.raises(TimeoutError):
        await going
    assert draining.over


async def test_a_request_that_does_not_end_is_left() -> None:
    draining = Draining()
    with draining.request():
        assert not await asyncio.wait_for(draining.finish(0.01, grace_s=0.01), 5)


@pytest.mark.parametrize(
    ("path", "served"),
    [
        ("/v1/chat/completions", False),
        ("/v1/models", False),
        ("/fleets", False),
        ("/health", True),
        ("/metrics", True),
        ("/fleet/engines/engine-1/lease", True),
    ],
)
async def test_new_requests_are_refused(path: str, served: bool) -> None:
    draining, calls = Draining(), list[str]()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        calls.append(scope["path"])

    gate = DrainGate(app, draining)
    scope = {"type": "http", "path": path}
    await gate(scope, None, None)  # type: ignore[arg-type]
    draining.begun = True
    if served:
        await gate(scope, None, None)  # type: ignore[arg-type]
    else:
        with pytest.raises(NotReady) as caught:
            await gate(scope, None, None)  # type: ignore[arg-type]
        assert (caught.value.status, caught.value.code) == (503, "stopping")
        assert caught.value.headers["Connection"] == "close"
    assert calls == [path] * (2 if served else 1)
