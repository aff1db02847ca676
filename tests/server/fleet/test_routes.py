"""The front end's routes for engines."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from guard.restriction import SUFFIX
from server.store import Database, Fleet, Peers
from server.store.peers import ENGINE, JOINING
from tests.server.fleet.conftest import TOKEN, Admitting, LeasedEngine, needed

ENGINES = "/fleet/engines"


@pytest.fixture
async def asked(front: FastAPI) -> Any:
    headers = {"authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=front), base_url="http://front", headers=headers) as client:
        yield client


async def joined(asked: httpx.AsyncClient, engine: LeasedEngine) -> str:
    answer = await asked.post(ENGINES, json=engine.about.told())
    assert answer.status_code == 201
    return f"{ENGINES}/{answer.json()['instance']}"


async def kinds(database: Database) -> list[str]:
    async with database.read() as session:
        return [peer.kind for peer in await Peers().all(session)]


@pytest.mark.parametrize("shown", [None, "Bearer wrong", f"Basic {TOKEN}", "Bearer", f"Bearer {TOKEN}x"])
async def test_without_the_token_every_route_is_401(front: FastAPI, shown: str | None) -> None:
    headers = {"authorization": shown} if shown else {}
    one = f"{ENGINES}/engine-1"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=front), base_url="http://front", headers=headers) as client:
        answers = [
            await client.post(ENGINES, json={}),
            await client.delete(one),
            await client.get(f"{one}/policy"),
            await client.post(f"{one}/acknowledgement", json={"revision": 1}),
            await client.post(f"{one}/lease", json={}),
            await client.get(f"/fleet/restrictions/{'0' * 64}"),
        ]
    assert {answer.status_code for answer in answers} == {401}


async def test_an_engine_serves_once_it_has_acknowledged_the_latest_revision(
    asked: httpx.AsyncClient, database: Database, engine: LeasedEngine, tmp_path: Path
) -> None:
    digests = await needed(database, tmp_path, "front", "tea", "cake")
    one = await joined(asked, engine)
    assert await kinds(database) == [JOINING]
    told = (await asked.get(f"{one}/policy")).json()
    assert (told["revision"], sorted(told["needed"]), told["dropped"]) == (1, sorted(digests), [])
    await needed(database, tmp_path, "front", "Hatter")
    # Meanwhile there is something new: it holds too little.
    assert (await asked.post(f"{one}/acknowledgement", json={"revision": 1})).json() == {"current": False}
    assert await kinds(database) == [JOINING]
    told = (await asked.get(f"{one}/policy?since=1")).json()
    assert (told["revision"], len(told["needed"])) == (2, 1)
    assert (await asked.post(f"{one}/acknowledgement", json={"revision": 2})).json() == {"current": True}
    assert await kinds(database) == [ENGINE]
    assert (await asked.post(f"{one}/lease", json={})).json() == {"lease_s": 10.0}
    assert (await asked.delete(one)).status_code == 204
    assert await kinds(database) == []


async def test_an_engine_that_does_not_match_is_refused_with_the_reason(
    asked: httpx.AsyncClient, database: Database, engine: LeasedEngine, engines: Admitting
) -> None:
    engines.reason = "its tokenizer is not the front end's"
    answer = await asked.post(ENGINES, json=engine.about.told())
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "engine_refused")
    assert "its tokenizer is not the front end's" in answer.json()["error"]["message"]
    assert await kinds(database) == []


async def test_it_is_compared_with_engines_that_serve_alone(
    asked: httpx.AsyncClient, engine: LeasedEngine, engines: Admitting
) -> None:
    one = await joined(asked, engine)
    await joined(asked, engine)
    assert engines.saw == []
    assert (await asked.post(f"{one}/acknowledgement", json={"revision": 0})).json() == {"current": True}
    await joined(asked, engine)
    assert [peer.about for peer in engines.saw] == [engine.about.told() | {"models": ["fake"], "ends": [6]}]


async def test_a_poll_waits_for_a_change_and_no_longer(
    asked: httpx.AsyncClient, database: Database, engine: LeasedEngine, tmp_path: Path
) -> None:
    await needed(database, tmp_path, "front", "tea")
    one = await joined(asked, engine)
    polling = asyncio.create_task(asked.get(f"{one}/policy?since=1&wait=5"))
    await asyncio.sleep(0.2)
    assert not polling.done()
    (cake,) = await needed(database, tmp_path, "front", "cake")
    told = (await asyncio.wait_for(polling, 2)).json()
    assert told == {"revision": 2, "needed": [cake], "dropped": []}
    assert (await asked.get(f"{one}/policy?since=2&wait=0")).json() == {"revision": 2, "needed": [], "dropped": []}


async def test_a_change_of_this_process_is_told_at_once(
    asked: httpx.AsyncClient, database: Database, engine: LeasedEngine, engines: Admitting, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("server.fleet.routes._LOOK_S", 60.0)
    await needed(database, tmp_path, "front", "tea")
    one = await joined(asked, engine)
    polling = asyncio.create_task(asked.get(f"{one}/policy?since=1&wait=5"))
    await asyncio.sleep(0.1)
    await needed(database, tmp_path, "front", "cake")
    engines.changed()
    assert (await asyncio.wait_for(polling, 2)).json()["revision"] == 2


async def test_an_engine_whose_lease_is_over_must_join_anew(
    asked: httpx.AsyncClient, engine: LeasedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.fleet.routes.LEASE_S", 0.0)
    one = await joined(asked, engine)
    for answer in (
        await asked.post(f"{one}/lease", json={}),
        await asked.post(f"{one}/acknowledgement", json={"revision": 0}),
        await asked.post(f"{ENGINES}/engine-unknown/lease", json={}),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "lease_lost")


async def test_a_restriction_is_given_as_long_as_a_front_end_needs_it(
    asked: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    (digest,) = await needed(database, tmp_path, "front", "tea")
    path = f"/fleet/restrictions/{digest}"
    assert (await asked.get(path)).content == (tmp_path / (digest + SUFFIX)).read_bytes()
    async with database.write() as session:
        await Fleet().drop(session, "front", [digest], await database.now(session))
    assert (await asked.get(path)).status_code == 404


@pytest.mark.parametrize("name", ["x", "0" * 63 + "%00", "0" * 65, "%F0%9F%98%80" * 16])
async def test_what_is_no_digest_is_404(asked: httpx.AsyncClient, name: str) -> None:
    assert (await asked.get(f"/fleet/restrictions/{name}")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", ENGINES, {}),
        ("POST", ENGINES, {"width": "wide"}),
        ("GET", f"{ENGINES}/engine-1/policy?since=x", None),
        ("GET", f"{ENGINES}/engine-1/policy?since=-1", None),
        ("GET", f"{ENGINES}/engine-1/policy?wait=99999", None),
        ("POST", f"{ENGINES}/engine-1/acknowledgement", {}),
        ("POST", f"{ENGINES}/engine-1/acknowledgement", {"revision": True}),
        ("POST", f"{ENGINES}/engine-1/acknowledgement", {"revision": "1"}),
    ],
)
async def test_what_is_malformed_is_400(asked: httpx.AsyncClient, method: str, path: str, body: Any) -> None:
    assert (await asked.request(method, path, json=body)).status_code == 400


async def test_a_server_on_the_store_is_no_engine(asked: httpx.AsyncClient, database: Database) -> None:
    async with database.write() as session:
        await Peers().register(session, "host-abc", await database.now(session), 10.0)
    assert (await asked.delete(f"{ENGINES}/host-abc")).status_code == 404
    assert await kinds(database) == ["server"]
