"""What the routes are given: the context once per request, and who asks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from server.api import install
from server.api.context import Auditor, Context
from server.errors import NotReady
from server.http import envelope
from server.running import ApiContext
from tests.server.api.conftest import Served


class Provider:
    """Gives the context, and counts how often it was asked for it."""

    def __init__(self, context: ApiContext) -> None:
        self.context: ApiContext | None = context
        self.asked = 0

    def __call__(self) -> ApiContext:
        self.asked += 1
        if self.context is None:
            raise NotReady("starting")
        return self.context


@pytest.fixture
def provider(served: Served) -> Provider:
    return Provider(served.context)


@pytest.fixture
async def client(provider: Provider) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application with one more route, for auditors."""
    app = FastAPI()
    install(app, provider)

    @app.get("/who")
    async def who(principal: Auditor, context: Context) -> str:
        return principal.key_id

    envelope.install(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        yield client


@pytest.mark.slow
async def test_a_route_is_told_who_asks(served: Served, client: httpx.AsyncClient) -> None:
    headers = await served.key("auditor")
    answer = await client.get("/who", headers=headers)
    assert (answer.status_code, answer.json()) == (200, headers["authorization"].split("-")[1])


async def test_a_lower_role_is_refused(served: Served, client: httpx.AsyncClient) -> None:
    answer = await client.get("/who", headers=await served.key("client"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "insufficient_permissions")


@pytest.mark.slow
async def test_without_a_key_the_answer_names_the_scheme(served: Served, client: httpx.AsyncClient) -> None:
    await served.key("admin")
    answer = await client.get("/who", headers={"Authorization": "Bearer x"})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.slow
async def test_the_description_says_that_a_key_is_needed(client: httpx.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()
    assert described["paths"]["/who"]["get"]["security"] == [{"HTTPBearer": []}]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/policy"), ("POST", "/v1/forget-targets")])
async def test_the_context_is_asked_for_once_per_request(
    provider: Provider, client: httpx.AsyncClient, method: str, path: str
) -> None:
    body = {"id": "hatter", "name": "Mad Hatter"} if method == "POST" else None
    assert (await client.request(method, path, json=body)).is_success
    assert provider.asked == 1


@pytest.mark.slow
async def test_the_next_request_asks_again(provider: Provider, client: httpx.AsyncClient) -> None:
    assert (await client.get("/who")).status_code == 200
    provider.context = None
    assert (await client.get("/who")).status_code == 503


async def test_before_the_server_is_ready_every_route_is_503(starting: httpx.AsyncClient) -> None:
    for method, path in [
        ("GET", "/forget-targets"),
        ("POST", "/forget-targets"),
        ("GET", "/policy"),
        ("GET", "/audit"),
        ("GET", "/keys"),
        ("POST", "/screen"),
        ("POST", "/moderations"),
        ("POST", "/forget-targets:import"),
        ("GET", "/forget-targets:export"),
    ]:
        response = await starting.request(method, f"/v1{path}", content=b"not even JSON" if method == "POST" else None)
        assert (response.status_code, response.json()["error"]["code"]) == (503, "not_ready"), path
