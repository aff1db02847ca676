"""Every route that generates has the same key, limits, draining, deadline, records and descriptions in front of it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from server.app import DIALECTS
from server.http.admission import Admission
from server.http.filterlimit import FilterLimit
from server.settings import Settings
from tests.paths import ROOT
from tests.server.fakes import DEAD_END, FakeEngine, WordEncoder

pytestmark = pytest.mark.slow

PATHS = [dialect.path for dialect in DIALECTS]
ASKED = [{"role": "user", "content": "Hatta?"}]
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": "fake", "messages": ASKED},
    "/v1/completions": {"model": "fake", "prompt": "Hatta?"},
    "/v1/responses": {"model": "fake", "input": "Hatta?"},
    "/v1/messages": {"model": "fake", "max_tokens": 9, "messages": ASKED},
}
"""A request about a target for each path. A new route that generates needs one."""


def test_every_route_that_generates_is_told_where_routes_are_listed() -> None:
    assert set(PATHS) <= BODIES.keys()
    listed = (ROOT / "docs" / "routes.md").read_text()
    for path in PATHS:
        assert f"`{path}`" in listed


async def test_every_route_that_generates_is_described_and_named_where_another_is_missing(client: httpx.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()["paths"]
    missing = (await client.get("/nowhere")).json()["error"]["message"]
    for path in PATHS:
        assert described[path]["post"]["security"]
        assert f"POST {path}" in missing


@pytest.mark.parametrize("path", PATHS)
async def test_a_request_about_a_target_is_restricted_counted_and_recorded(
    client: httpx.AsyncClient, engine: FakeEngine, app: FastAPI, path: str
) -> None:
    service = app.state.service
    gated = service.running.screener.snapshot.gated["hatter"]
    for stream in (False, True):
        response = await client.post(path, json={**BODIES[path], "stream": stream})
        assert response.status_code == 200, response.text
        assert gated in engine.bodies[-1]["vllm_xargs"]["guard"]
        assert engine.bodies[-1]["vllm_xargs"]["guard_id"] == response.headers["x-guard-decision-id"]
        await service.running.decisions.write()
        (record,) = (await client.get("/v1/audit", params={"limit": 1, "order": "desc"})).json()["data"][:1]
        assert response.headers["x-guard-decision-id"] in str(record)
    service.filter_limit = FilterLimit(1)
    engine.stop_reason = DEAD_END
    assert (await client.post(path, json=BODIES[path])).status_code == 200
    assert 'guard_filtered_total{role="admin"} 1.0' in service.metrics.text().decode()
    assert (await client.post(path, json=BODIES[path])).status_code == 429


@pytest.mark.parametrize("path", PATHS)
async def test_limits_and_failures_come_before_the_engine(
    client: httpx.AsyncClient, engine: FakeEngine, encoder: WordEncoder, app: FastAPI, settings: Settings, path: str
) -> None:
    async def told(**sent: Any) -> tuple[int, str | None]:
        response = await client.post(path, **sent)
        error = response.json()["error"]
        assert {"message", "type", "param", "code"} <= error.keys()
        return response.status_code, error["code"]

    unknown = {**BODIES[path], "unheard_of": 1}
    assert await told(content=b"{", headers={"content-type": "application/json"}) == (400, "invalid_json")
    assert await told(content=b"{}", headers={"content-type": "text/plain"}) == (415, "unsupported_media_type")
    assert await told(json={"x": "x" * 20_000}) == (413, "request_too_large")
    assert await told(json=unknown) == (400, "unsupported_parameter")
    encoder.fails = True
    assert await told(json={**BODIES[path], "user": None}) == (500, "guard_failure")
    encoder.fails = False
    service = app.state.service
    service.draining.begun = True
    assert await told(json=BODIES[path]) == (503, "stopping")
    service.draining.begun = False
    assert engine.bodies == []
    object.__setattr__(settings, "unknown_fields", "drop")
    assert (await client.post(path, json=unknown)).status_code == 200
    engine.bodies.clear()
    key = (await client.post("/v1/keys", json={"role": "admin", "name": "mine"})).json()["key"]
    assert await told(json=BODIES[path]) == (401, "invalid_api_key")
    assert await told(json=BODIES[path], headers={"x-api-key": "wrong"}) == (401, "invalid_api_key")
    assert engine.bodies == []
    for header in ({"x-api-key": key}, {"authorization": f"Bearer {key}"}):
        assert (await client.post(path, json=BODIES[path], headers=header)).status_code == 200


@pytest.mark.parametrize("path", PATHS)
async def test_a_client_has_so_many_requests_at_once_and_each_so_much_time(
    client: httpx.AsyncClient, engine: FakeEngine, app: FastAPI, settings: Settings, path: str
) -> None:
    service = app.state.service
    service.admission = Admission(1, 0)
    engine.pace = 0.05
    first = asyncio.create_task(client.post(path, json=BODIES[path]))
    while not engine.answering:
        await asyncio.sleep(0.01)
    refused = await client.post(path, json=BODIES[path])
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_requests")
    assert (await first).status_code == 200
    object.__setattr__(settings, "request_timeout", 0.05)
    late = await client.post(path, json=BODIES[path])
    assert (late.status_code, late.json()["error"]["code"]) == (504, "timeout")
    object.__setattr__(settings, "request_timeout", 0.3)
    streamed = await client.post(path, json={**BODIES[path], "stream": True})
    assert streamed.status_code == 200
    assert '"timeout"' in streamed.text.split("\n\n")[-2 if "[DONE]" not in streamed.text else -3]
