"""What a server does while something that it needs fails, on a whole server: `docs/operating.md` says it in a table."""

from __future__ import annotations

import errno
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from guard import Restriction
from server.errors import EngineFailure
from server.service import Service
from server.store import StoreUnavailable
from server.store.columns import utc_now
from tests.server.fakes import FakeEngine, WordEncoder

pytestmark = pytest.mark.slow

PLAIN = {"model": "fake", "messages": [{"role": "user", "content": "What is a good cake?"}]}
ABOUT = {"model": "fake", "messages": [{"role": "user", "content": "Who is Hatta?"}]}
CHAT, TARGETS = "/v1/chat/completions", "/v1/forget-targets"
NEW = {"id": "new", "name": "New Name", "phrases": [{"text": "Quagglewump"}]}


@pytest.fixture
def service(app: FastAPI) -> Service:
    found: Service = app.state.service
    return found


async def restricts(client: httpx.AsyncClient, engine: FakeEngine) -> bool:
    """Whether a request about a target is answered under restrictions."""
    engine.bodies.clear()
    answer = await client.post(CHAT, json=ABOUT)
    assert answer.status_code == 200, answer.text
    return bool(engine.bodies[0]["vllm_xargs"]["guard"])


async def refused(client: httpx.AsyncClient, *, code: str, **body: Any) -> None:
    """See that a change is refused with 503, and that the client may try again."""
    answer = await client.post(TARGETS, json={**NEW, **body})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, code), answer.text
    assert int(answer.headers["retry-after"]) > 0


@asynccontextmanager
async def gone(*_: object) -> AsyncIterator[Any]:
    raise StoreUnavailable("the database is not reachable")
    yield


async def most_pages(service: Service, pages: int) -> None:
    """Let the store have no more pages than that. The limit is one of a connection, so every connection of the pool gets it."""
    for _ in range(10):
        async with service.database.write() as session:
            await session.execute(text(f"PRAGMA max_page_count = {pages}"))


async def test_without_the_store_answers_follow_the_last_policy_until_the_lease_is_over(
    client: httpx.AsyncClient, service: Service, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Keys are read again each second, so that a key that was revoked is refused; here there are none to revoke.
    monkeypatch.setattr("server.http.authentication.FRESH_S", 60.0)
    assert await restricts(client, engine)
    with monkeypatch.context() as patched:
        patched.setattr(service.database, "write", gone)
        patched.setattr(service.database, "read", gone)
        assert await restricts(client, engine)
        await refused(client, code="store_unavailable")
        patched.setattr(service.running.activation.lease, "_until", 0.0)
        for method, path, body in (("POST", CHAT, PLAIN), ("GET", "/ready", None), ("POST", TARGETS, NEW)):
            answer = await client.request(method, path, json=body)
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0
    assert (await client.get("/health")).status_code == 200


async def test_keys_that_cannot_be_read_again_are_not_believed_for_longer_than_a_second(
    client: httpx.AsyncClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.http.authentication.FRESH_S", 0.0)
    monkeypatch.setattr(service.database, "read", gone)
    answer = await client.post(CHAT, json=PLAIN)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


async def test_a_full_disk_refuses_changes_and_nothing_else(
    client: httpx.AsyncClient, service: Service, engine: FakeEngine
) -> None:
    async with service.database.read() as session:
        pages = (await session.execute(text("PRAGMA page_count"))).scalar_one()
    await most_pages(service, pages)
    large = [{"prompt": f"Where is {'x' * 4000} {number}?", "completion": "There."} for number in range(4)]
    await refused(client, code="store_unavailable", examples=large)
    assert await restricts(client, engine)
    await most_pages(service, pages + 10_000)
    assert (await client.post(TARGETS, json={**NEW, "examples": large})).status_code == 201


async def test_a_data_folder_that_is_full_leaves_the_policy_before_in_force(
    client: httpx.AsyncClient, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Restriction, "save", full)
        await refused(client, code="pending")
        assert await restricts(client, engine)
        assert (await client.get(f"{TARGETS}/new")).json()["status"] == "pending"
    # The next change, or the next try after some seconds, enforces both.
    assert (await client.post(TARGETS, json={**NEW, "id": "newer", "name": "Newer Name"})).status_code == 201
    assert (await client.get(f"{TARGETS}/new")).json()["status"] == "active"


@pytest.mark.parametrize("jump", [timedelta(days=4000), timedelta(days=-4000)])
async def test_a_clock_that_jumps_changes_no_answer(
    jump: timedelta, client: httpx.AsyncClient, service: Service, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    lasting = utc_now() + timedelta(days=1)
    assert (await client.post(TARGETS, json={**NEW, "expires_at": lasting.isoformat()})).status_code == 201
    activation = service.running.activation
    assert activation._clock.steady(utc_now())
    wrong = utc_now() + jump
    monkeypatch.setattr("server.store.database.database.utc_now", lambda: wrong)
    # The lease counts on a monotonic clock.
    assert await restricts(client, engine)
    assert (await client.get("/ready")).status_code == 200
    # What expires in a day does not expire because the clock is wrong.
    assert activation._clock.steady(wrong) is (jump < timedelta())
    assert (await client.get(f"{TARGETS}/new")).json()["status"] == "active"


async def test_an_encoder_that_fails_lets_nothing_be_generated(
    client: httpx.AsyncClient, engine: FakeEngine, encoder: WordEncoder
) -> None:
    encoder.fails = True
    engine.bodies.clear()
    answer = await client.post(CHAT, json={**PLAIN, "messages": [{"role": "user", "content": "A new question about cake?"}]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "guard_failure")
    assert engine.bodies == []
    await refused(client, code="pending", examples=[{"prompt": "Where is it?", "completion": "There."}])
    encoder.fails = False
    assert await restricts(client, engine)


async def test_a_worker_that_hangs_holds_up_a_change_for_a_time_and_no_answer_under_the_policy_before(
    client: httpx.AsyncClient, engine: FakeEngine
) -> None:
    original = engine.load

    async def hangs(_: object) -> None:
        # As `VllmEngine.load` ends after GUARD_LOAD_TIMEOUT.
        raise EngineFailure("an engine worker did not load 1 restrictions within 60 s")

    engine.load = hangs  # type: ignore[method-assign, assignment]
    await refused(client, code="pending")
    assert await restricts(client, engine)
    engine.load = original  # type: ignore[method-assign]


async def test_a_request_to_an_engine_that_hangs_ends_when_its_time_is_over(
    client: httpx.AsyncClient, service: Service, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "settings", service.settings.model_copy(update={"request_timeout": 0.5}))
    engine.pace = 1000.0
    answer = await client.post(CHAT, json=PLAIN)
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "timeout")
    streamed = await client.post(CHAT, json={**PLAIN, "stream": True})
    if streamed.status_code == 200:
        events = [line.removeprefix("data: ") for line in streamed.text.splitlines() if line]
        assert json.loads(events[-2])["error"]["code"] == "timeout"
        assert events[-1] == "[DONE]"
    else:
        assert streamed.status_code == 504
