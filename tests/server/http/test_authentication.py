"""A request is let in by a key that may be used and whose role suffices, and by nothing else."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Scope

from server.errors import Forbidden, NotReady, RateLimited, Unauthorized
from server.http import envelope
from server.http.authentication import OPEN_ID, Authenticator, Principal, binding_allowed, is_loopback
from server.store.database.database import Database
from server.store.keys import ROLES, ApiKey, Keys, Role


class Clock:
    """Seconds and time of day, moved on by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 11, 21, 12, 30, tzinfo=UTC) + timedelta(seconds=self.seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def authenticator(database: Database, clock: Clock) -> Authenticator:
    return Authenticator(lambda: database, clock=clock, now=clock.now)


async def make(database: Database, clock: Clock, role: Role = "client", **more: Any) -> tuple[ApiKey, str]:
    async with database.write() as session:
        return await Keys().create(session, role, "name", clock.now(), **more)


async def revoke(database: Database, clock: Clock, key: ApiKey) -> None:
    async with database.write() as session:
        await Keys().revoke(session, key.id, clock.now())


def scope(*headers: tuple[str, str], client: str | None = "192.0.2.1") -> Scope:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return {"type": "http", "headers": raw, "client": (client, 1234) if client else None}


def bearer(text: str) -> Scope:
    return scope(("authorization", f"Bearer {text}"))


async def refused(authenticator: Authenticator, request: Scope) -> bytes:
    """The body of the 401."""
    with pytest.raises(Unauthorized) as caught:
        await authenticator.admit(request, "client")
    assert caught.value.headers == {"WWW-Authenticate": "Bearer"}
    return bytes(envelope.respond(caught.value).body)


@pytest.mark.slow
async def test_both_headers_are_read(authenticator: Authenticator, database: Database, clock: Clock) -> None:
    key, text = await make(database, clock, "auditor")
    for headers in (
        [("authorization", f"Bearer {text}")],
        [("authorization", f"bearer  {text} ")],
        [("x-api-key", text)],
        [("x-api-key", text), ("authorization", f"Bearer {text}")],
    ):
        assert await authenticator.admit(scope(*headers), "client") == Principal(key.id, "auditor")


async def test_everything_wrong_gets_the_same_answer(authenticator: Authenticator, database: Database, clock: Clock) -> None:
    _, good = await make(database, clock)
    revoked, revoked_text = await make(database, clock)
    _, expired = await make(database, clock, expires_at=clock.now())
    await revoke(database, clock, revoked)
    unknown = f"gk-{'0' * 12}-{good.split('-', 2)[2]}"
    requests = [
        scope(),
        scope(client="127.0.0.1"),
        *map(bearer, ["", unknown, revoked_text, expired, good[:-1], "gk-é", good + "\xff", "a" * 100_000, f"{good} {good}"]),
        scope(("authorization", good)),
        scope(("authorization", f"Basic {good}")),
        scope(("authorization", f"Bearer {good}"), ("authorization", f"Bearer {revoked_text}")),
        scope(("authorization", f"Bearer {good}"), ("x-api-key", "other")),
        scope(("authorization", "Basic YTpi"), ("x-api-key", good)),
    ]
    assert len({await refused(authenticator, request) for request in requests}) == 1
    await authenticator.admit(bearer(good), "client")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("needed", ROLES)
async def test_roles_are_a_ladder(
    authenticator: Authenticator, database: Database, clock: Clock, role: Role, needed: Role
) -> None:
    key, text = await make(database, clock, role)
    if ("client", "auditor", "admin").index(role) >= ("client", "auditor", "admin").index(needed):
        assert (await authenticator.admit(bearer(text), needed)).key_id == key.id
        return
    with pytest.raises(Forbidden) as caught:
        await authenticator.admit(bearer(text), needed)
    assert caught.value.status == 403


async def test_a_revoked_key_stops_at_once_here(authenticator: Authenticator, database: Database, clock: Clock) -> None:
    key, text = await make(database, clock)
    await authenticator.admit(bearer(text), "client")
    await revoke(database, clock, key)
    authenticator.changed()
    await refused(authenticator, bearer(text))


async def test_a_key_revoked_elsewhere_stops_within_a_second(
    authenticator: Authenticator, database: Database, clock: Clock
) -> None:
    key, text = await make(database, clock)
    await authenticator.admit(bearer(text), "client")
    await revoke(database, clock, key)
    clock.seconds += 0.5
    await authenticator.admit(bearer(text), "client")
    clock.seconds += 0.5
    await refused(authenticator, bearer(text))


async def test_keys_changed_while_they_are_read_are_read_again(
    authenticator: Authenticator, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, text = await make(database, clock)
    read, go, original = asyncio.Event(), asyncio.Event(), Keys.ring

    async def slow(self: Keys, session: Any) -> Any:
        ring = await original(self, session)
        read.set()
        await go.wait()
        return ring

    monkeypatch.setattr(Keys, "ring", slow)
    asked = asyncio.create_task(authenticator.admit(bearer(text), "client"))
    await read.wait()
    await revoke(database, clock, key)
    authenticator.changed()
    go.set()
    with pytest.raises(Unauthorized):
        await asked


async def test_a_key_expires_between_two_readings(authenticator: Authenticator, database: Database, clock: Clock) -> None:
    _, text = await make(database, clock, expires_at=clock.now() + timedelta(seconds=0.5))
    await authenticator.admit(bearer(text), "client")
    clock.seconds += 0.5
    await refused(authenticator, bearer(text))


async def test_keys_that_cannot_be_read_let_nobody_in(
    authenticator: Authenticator, database: Database, clock: Clock, tmp_path: Path
) -> None:
    _, text = await make(database, clock)
    await authenticator.admit(bearer(text), "client")
    (tmp_path / "store.db").rename(tmp_path / "elsewhere.db")
    clock.seconds += 1
    with pytest.raises(NotReady):
        await authenticator.admit(bearer(text), "client")


async def test_the_rate_counts_before_the_role(authenticator: Authenticator, database: Database, clock: Clock) -> None:
    _, text = await make(database, clock, rate_per_minute=60, burst=2)
    for _ in range(2):
        with pytest.raises(Forbidden):
            await authenticator.admit(bearer(text), "admin")
    with pytest.raises(RateLimited):
        await authenticator.admit(bearer(text), "client")
    clock.seconds += 1
    await authenticator.admit(bearer(text), "client")


LOCAL = ("host", "localhost:8000")
OUTSIDE = [
    scope(LOCAL),
    scope(LOCAL, client=None),
    scope(LOCAL, client="not an address"),
    scope(client="127.0.0.1"),
    scope(("host", "evil.example"), client="127.0.0.1"),
    scope(("host", "localhost.evil.example:8000"), client="127.0.0.1"),
    scope(("host", "127.0.0.1.evil.example"), client="127.0.0.1"),
    scope(("host", "evil.example@"), client="127.0.0.1"),
    scope(("host", "[::1"), client="127.0.0.1"),
]


@pytest.mark.parametrize("request_", OUTSIDE)
async def test_without_keys_others_are_refused(authenticator: Authenticator, request_: Scope) -> None:
    await refused(authenticator, request_)


CROSS = ("sec-fetch-site", "cross-site")


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH"])
@pytest.mark.parametrize(
    "sent",
    [
        [LOCAL, ("origin", "https://evil.example")],
        [LOCAL, ("origin", "null")],
        [LOCAL, ("origin", "http://localhost.evil.example")],
        [LOCAL, CROSS],
        [LOCAL, CROSS, ("sec-fetch-mode", "no-cors")],
        [LOCAL, CROSS, ("sec-fetch-mode", "navigate")],
        [("host", "evil.example:8000"), ("sec-fetch-site", "same-origin")],
    ],
)
async def test_f6_without_keys_another_site_changes_nothing(
    authenticator: Authenticator, sent: list[tuple[str, str]], method: str
) -> None:
    await refused(authenticator, {**scope(*sent, client="127.0.0.1"), "method": method})


@pytest.mark.parametrize(
    ("method", "sent"),
    [
        ("GET", [CROSS, ("sec-fetch-mode", "navigate")]),
        ("POST", [("sec-fetch-site", "same-origin"), ("origin", "http://localhost:8000")]),
        ("POST", [("sec-fetch-site", "none")]),
        ("POST", [("origin", "http://127.0.0.1:3000"), ("sec-fetch-site", "same-site")]),
    ],
)
async def test_f6_without_keys_this_machine_s_own_pages_work(
    authenticator: Authenticator, method: str, sent: list[tuple[str, str]]
) -> None:
    request = {**scope(LOCAL, *sent, client="127.0.0.1"), "method": method}
    assert await authenticator.admit(request, "admin") == Principal(OPEN_ID, "admin")


async def test_f6_with_keys_the_key_decides(authenticator: Authenticator, database: Database, clock: Clock) -> None:
    key, text = await make(database, clock, "admin")
    request = scope(("authorization", f"Bearer {text}"), ("origin", "https://app.example"), CROSS)
    assert (await authenticator.admit(request, "admin")).key_id == key.id


@pytest.mark.parametrize("client", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000", "LocalHost:1"])
async def test_without_keys_this_machine_is_admin(authenticator: Authenticator, client: str, host: str) -> None:
    request = scope(("host", host), ("authorization", "Bearer unused"), client=client)
    assert await authenticator.admit(request, "admin") == Principal(OPEN_ID, "admin")


async def test_the_first_key_closes_the_server_for_good(authenticator: Authenticator, database: Database, clock: Clock) -> None:
    await authenticator.admit(scope(LOCAL, client="127.0.0.1"), "admin")
    key, _ = await make(database, clock, "admin")
    authenticator.changed()
    await refused(authenticator, scope(LOCAL, client="127.0.0.1"))
    await revoke(database, clock, key)
    authenticator.changed()
    await refused(authenticator, scope(LOCAL, client="127.0.0.1"))


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("192.168.0.1", False),
        ("example.org", False),
    ],
)
def test_only_loopback_may_be_bound_without_keys(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    assert binding_allowed(host, any_keys=False) is loopback
    assert binding_allowed(host, any_keys=True)


async def test_the_last_use_is_written_down_once_an_hour(authenticator: Authenticator, database: Database, clock: Clock) -> None:
    key, text = await make(database, clock)

    async def last_used() -> datetime | None:
        async with database.read() as session:
            return (await Keys().list(session))[0].last_used_at

    await authenticator.flush()
    assert await last_used() is None
    await authenticator.admit(bearer(text), "client")
    await authenticator.flush()
    assert await last_used() == datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert not authenticator._used
    await authenticator.admit(bearer(text), "client")
    assert not authenticator._used
    clock.seconds += 1800
    await authenticator.admit(bearer(text), "client")
    assert authenticator._used == {key.id}
