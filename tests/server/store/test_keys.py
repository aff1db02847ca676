"""A key is shown once, kept as a hash, and stops working when it is revoked or expires."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from server.store.database.database import Database
from server.store.keys import ApiKey, ApiKeyRow, KeyNotFound, KeyRing, Keys, Role

NOW = datetime(2026, 11, 21, 12, 34, 56, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def create(database: Database, role: Role = "admin", name: str = "Ada", **more: Any) -> tuple[ApiKey, str]:
    async with database.write() as session:
        return await Keys().create(session, role, name, NOW, **more)


async def ring(database: Database) -> KeyRing:
    async with database.read() as session:
        return await Keys().ring(session)


async def test_a_new_key_is_found_by_its_text(database: Database) -> None:
    assert not await ring(database)
    key, text = await create(database, "auditor", rate_per_minute=60, burst=5)
    other, _ = await create(database)
    assert text.startswith(f"gk-{key.id}-")
    assert key.id != other.id
    found = (await ring(database)).check(text, NOW)
    assert found == key
    assert (key.role, key.rate_per_minute, key.burst) == ("auditor", 60, 5)


async def test_the_secret_is_not_in_the_store(database: Database) -> None:
    _, text = await create(database)
    secret = text.split("-", 2)[2]
    async with database.read() as session:
        row = (await session.execute(select(ApiKeyRow))).scalar_one()
    assert secret not in repr([getattr(row, column.name) for column in ApiKeyRow.__table__.columns])


async def test_only_the_exact_text_is_the_key(database: Database) -> None:
    key, text = await create(database)
    other, _ = await create(database)
    keys = await ring(database)
    secret = text.split("-", 2)[2]
    changed = secret[:-2] + ("AA" if secret[-2:] != "AA" else "BA")
    for wrong in ("", text + " ", text[:-1], text.upper(), secret, f"gk-{key.id}-", f"gk-{key.id}-{changed}"):
        assert keys.check(wrong, NOW) is None
    assert keys.check(f"gk-{other.id}-{secret}", NOW) is None
    assert keys.check(f"gk-{'0' * 12}-{secret}", NOW) is None


@given(st.text() | st.from_regex(r"gk-[0-9a-f]{12}-[A-Za-z0-9_-]{43}", fullmatch=True))
def test_no_text_is_a_key_of_an_empty_store(text: str) -> None:
    assert KeyRing().check(text, NOW) is None


async def test_a_key_expires(database: Database) -> None:
    _, text = await create(database, expires_at=NOW + HOUR)
    keys = await ring(database)
    assert keys.check(text, NOW + HOUR - timedelta(microseconds=1))
    assert keys.check(text, NOW + HOUR) is None


async def test_a_revoked_key_stays_revoked(database: Database) -> None:
    key, text = await create(database)
    for at in (NOW + HOUR, NOW + 2 * HOUR):
        async with database.write() as session:
            assert (await Keys().revoke(session, key.id, at)).revoked_at == NOW + HOUR
    keys = await ring(database)
    assert keys.check(text, NOW) is None
    # A store whose keys are all revoked is not one without keys.
    assert keys
    async with database.read() as session:
        assert await Keys().any(session)


async def test_a_key_that_is_not_there(database: Database) -> None:
    async with database.write() as session:
        assert not await Keys().any(session)
        with pytest.raises(KeyNotFound):
            await Keys().revoke(session, "0" * 12, NOW)


async def test_keys_are_listed_oldest_first(database: Database) -> None:
    async with database.write() as session:
        made = [(await Keys().create(session, "client", f"n{i}", NOW + i * HOUR))[0] for i in (2, 0, 1)]
    async with database.read() as session:
        assert await Keys().list(session) == [made[1], made[2], made[0]]


async def test_the_last_use_is_kept_to_the_hour(database: Database) -> None:
    key, _ = await create(database)
    other, _ = await create(database)
    hour = NOW.replace(minute=0, second=0)
    for at, expected in ((NOW, hour), (NOW - HOUR, hour), (NOW + HOUR, hour + HOUR)):
        async with database.write() as session:
            await Keys().touch(session, [key.id], at)
        async with database.read() as session:
            used = {each.id: each.last_used_at for each in await Keys().list(session)}
        assert used == {key.id: expected, other.id: None}


WRONG: list[dict[str, Any]] = [
    {"role": "root"},
    {"name": ""},
    {"name": "a" * 201},
    {"name": "a\nb"},
    {"rate_per_minute": 0},
    {"rate_per_minute": 5, "burst": 0},
    {"rate_per_minute": 10**9},
    {"burst": 3},
]


@pytest.mark.parametrize("wrong", WRONG)
async def test_what_makes_no_key(database: Database, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        await create(database, **wrong)
    assert not await ring(database)


def test_a_key_as_it_is_shown_has_no_secret() -> None:
    assert not any("hash" in field.name or "secret" in field.name for field in dataclasses.fields(ApiKey))
