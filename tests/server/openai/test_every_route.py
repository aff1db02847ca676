"""What holds for every route that generates, whatever its form: a new one cannot be forgotten."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import Route

from server.app import DIALECTS
from server.http.admission import Admission
from server.http.filterlimit import FilterLimit
from server.openai.route import GuardedRoute
from server.store.columns import utc_now
from server.store.keys import Keys
from tests.server.fakes import FakeEngine

pytestmark = pytest.mark.slow

# What a client sends to each route to ask about something.
FORMS: dict[str, Any] = {
    "/v1/chat/completions": lambda text: {"messages": [{"role": "user", "content": text}]},
    "/v1/completions": lambda text: {"prompt": text},
    "/v1/responses": lambda text: {"input": text},
    "/v1/messages": lambda text: {"messages": [{"role": "user", "content": text}], "max_tokens": 9},
}
MANY: dict[str, Any] = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "x"}] * 2},
    "/v1/completions": {"prompt": ["x", "y"]},
    "/v1/responses": {"input": [{"role": "user", "content": "x"}] * 2},
    "/v1/messages": {"messages": [{"role": "user", "content": "x"}] * 2, "max_tokens": 9},
}
CAKE, REFUSED = "What is a good cake?", "Who is the Ugly Duchess?"


def body(path: str, text: str = CAKE, **fields: Any) -> dict[str, Any]:
    return {"model": "fake", **FORMS[path](text), **fields}


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


async def test_every_route_that_generates_is_guarded_described_and_told_of(client: httpx.AsyncClient, app: FastAPI) -> None:
    guarded = {route.path for route in app.routes if isinstance(route, Route) and type(route.endpoint) is GuardedRoute}
    assert guarded == {dialect.path for dialect in DIALECTS} == FORMS.keys() == MANY.keys()
    described = (await client.get("/openapi.json")).json()["paths"]
    assert {path for path, methods in described.items() if "generation" in methods.get("post", {}).get("tags", ())} == guarded
    missing = (await client.post("/v1/nothing")).json()["error"]["message"]
    assert all(f"POST {path}" in missing for path in guarded)


async def test_every_request_is_screened_restricted_and_counted(
    client: httpx.AsyncClient, engine: FakeEngine, app: FastAPI
) -> None:
    snapshot = app.state.service.running.screener.snapshot
    for path in FORMS:
        for text, digests in (
            (CAKE, list(snapshot.always)),
            ("What does Hatta drink?", [*snapshot.always, snapshot.gated["hatter"]]),
            (REFUSED, ["refuse"]),
        ):
            response = await client.post(path, json=body(path, text))
            assert response.status_code == 200, response.text
            assert engine.bodies[-1]["vllm_xargs"]["guard"] == digests
            assert response.headers["x-guard-decision-id"].startswith("gd-")
    counted = app.state.service.metrics.text().decode()
    assert f'guard_decisions_total{{verdict="restrict"}} {len(FORMS)}.0' in counted


async def test_every_request_has_limits(client: httpx.AsyncClient, engine: FakeEngine, app: FastAPI) -> None:
    service = app.state.service
    service.settings = service.settings.model_copy(update={"max_messages": 1, "max_prompts": 1})
    for path in FORMS:
        many = await client.post(path, json={"model": "fake", **MANY[path]})
        assert code(many) == (400, "limit_exceeded")
        assert many.json()["error"]["param"] in MANY[path]
        unknown = await client.post(path, json=body(path, unheard_of=1))
        assert (unknown.status_code, unknown.json()["error"]["param"]) == (400, "unheard_of")
        assert (await client.post(path, content=b"x" * 20_001)).status_code == 413
    service.admission = Admission(1, 0)
    async with service.admission.place("address 127.0.0.1"):
        for path in FORMS:
            full = await client.post(path, json=body(path))
            assert code(full) == (429, "too_many_requests")
            assert int(full.headers["retry-after"]) >= 1
    assert engine.bodies == []


async def test_every_request_ends_when_its_time_is_over(client: httpx.AsyncClient, engine: FakeEngine, app: FastAPI) -> None:
    service = app.state.service
    service.settings = service.settings.model_copy(update={"request_timeout": 0.3})
    engine.pace = 0.2
    for path in FORMS:
        assert code(await client.post(path, json=body(path))) == (504, "timeout")
        streamed = await client.post(path, json=body(path, stream=True))
        assert "not answered within 0.3 s" in streamed.text


async def test_who_gets_very_many_filtered_answers_waits_on_every_route(client: httpx.AsyncClient, app: FastAPI) -> None:
    for path in FORMS:
        app.state.service.filter_limit = FilterLimit(1)
        assert [(await client.post(path, json=body(path, REFUSED))).status_code for _ in range(2)] == [200, 429]


async def test_every_request_needs_a_key_where_there_are_keys_and_none_is_taken_while_the_server_stops(
    client: httpx.AsyncClient, app: FastAPI
) -> None:
    service = app.state.service
    for path in FORMS:
        async with service.database.write() as session:
            _, key = await Keys().create(session, "client", path, utc_now(), rate_per_minute=1)
        service.authenticator.changed()
        assert code(await client.post(path, json=body(path))) == (401, "invalid_api_key")
        headers = {"authorization": f"Bearer {key}"}
        answers = [(await client.post(path, json=body(path), headers=headers)).status_code for _ in range(2)]
        assert answers == [200, 429]
    service.draining.begun = True
    for path in FORMS:
        assert code(await client.post(path, json=body(path))) == (503, "stopping")
