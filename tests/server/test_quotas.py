"""Limits that hold for all servers on one store together."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from server.app import create_app
from server.errors import RateLimited
from server.http.ratelimit import RateLimiter
from server.quotas import SharedQuotas
from server.settings import Settings
from server.store import Database, StoreUnavailable
from server.store.columns import utc_now
from server.store.keys import Keys
from tests.conftest import copied
from tests.server.fakes import FakeEngine, WordEncoder, opener


def granted(limiter: RateLimiter, most: int = 100) -> int:
    """Return how many requests are granted until one is refused."""
    for count in range(most):
        try:
            limiter.take("key", 10)
        except RateLimited:
            return count
    return most


async def test_servers_together_grant_no_more_than_the_limit_after_a_second(database: Database) -> None:
    one, two = (RateLimiter(lambda: 0.0) for _ in range(2))
    shared = [SharedQuotas(database, {"requests": limiter}) for limiter in (one, two)]
    assert granted(one, 6) == 6
    two.take("key", 10)
    for each in (*shared, *shared):
        await each.share()
    # 3 of 10 are left for both, and a few thousandths that came meanwhile.
    assert granted(two) == 3
    await shared[1].share()
    one.take("key", 10)  # it does not know yet
    for each in (*shared, *shared):
        await each.share()
    assert granted(one) == granted(two) == 0


async def test_what_was_granted_too_much_is_made_up_for(database: Database) -> None:
    one, two = (RateLimiter(lambda: 0.0) for _ in range(2))
    shared = [SharedQuotas(database, {"requests": limiter}) for limiter in (one, two)]
    assert granted(one) == granted(two) == 10
    for each in shared:
        await each.share()
    assert granted(one) == 0
    await shared[0].share()
    with pytest.raises(RateLimited) as caught:
        one.take("key", 10)
    # Eleven tokens are missing at ten a minute.
    assert 60 < int(caught.value.headers["Retry-After"]) <= 66


async def test_a_store_that_does_not_answer_loses_no_count(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    limiter, other = RateLimiter(lambda: 0.0), RateLimiter(lambda: 0.0)
    quotas = SharedQuotas(database, {"requests": limiter})
    assert granted(limiter, 7) == 7

    def gone() -> None:
        raise StoreUnavailable("gone")

    with monkeypatch.context() as patched:
        patched.setattr(database, "write", gone)
        with pytest.raises(StoreUnavailable):
            await quotas.share()
    await quotas.share()
    other.take("key", 10)
    await SharedQuotas(database, {"requests": other}).share()
    assert granted(other) == 2


async def test_limiters_do_not_mix(database: Database) -> None:
    requests, filtered = RateLimiter(lambda: 0.0), RateLimiter(lambda: 0.0)
    quotas = SharedQuotas(database, {"requests": requests, "filtered": filtered})
    assert granted(requests) == 10
    await quotas.share()
    assert granted(filtered) == 10


@pytest.mark.slow
async def test_two_servers_on_one_store_share_the_limit_of_a_key(
    settings: Settings, encoder: WordEncoder, few_prompts: None, tmp_path: Path, sqlite_template: Path
) -> None:
    url = f"sqlite:///{copied(sqlite_template, tmp_path / 'shared' / 'guard.db')}"
    async with AsyncExitStack() as stack:
        clients = []
        for name in ("one", "two"):
            own = settings.model_copy(update={"database": url, "data_dir": tmp_path / name})
            app = create_app(own, opener(FakeEngine()), lambda _: encoder)
            await stack.enter_async_context(app.router.lifespan_context(app))
            await app.state.service.settled()
            transport = httpx.ASGITransport(app=app)
            clients.append(await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://localhost")))
        async with app.state.service.database.write() as session:
            _, key = await Keys().create(session, "client", "c", utc_now(), rate_per_minute=6)
        headers = {"authorization": f"Bearer {key}"}
        await asyncio.sleep(1.2)  # a process uses the keys that it has read for a second
        assert [(await clients[0].get("/v1/models", headers=headers)).status_code for _ in range(6)] == [200] * 6
        async with asyncio.timeout(20):
            # The first may be granted; a second later, this server knows what the other has granted.
            while (await clients[1].get("/v1/models", headers=headers)).status_code == 200:
                await asyncio.sleep(1)
