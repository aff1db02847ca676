"""Every response names its request, and is counted."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from server.http.requestid import RequestId
from server.metrics import Metrics


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 202 with the request ids that arrived."""
    ids = b",".join(value for name, value in scope["headers"] if name == b"x-request-id")
    await send({"type": "http.response.start", "status": 202, "headers": []})
    await send({"type": "http.response.body", "body": ids})


async def ask(headers: list[tuple[str, str]], metrics: Metrics | None = None) -> httpx.Response:
    transport = httpx.ASGITransport(RequestId(echo, metrics or Metrics()))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get("/", headers=headers)


@pytest.mark.parametrize("name", ["a", "A-1_b.c", "x" * 64])
async def test_a_well_formed_id_of_the_client_is_kept(name: str) -> None:
    answer = await ask([("X-Request-Id", name)])
    assert (answer.text, answer.headers["x-request-id"]) == (name, name)


@pytest.mark.parametrize(
    "headers", [[], [("x-request-id", "a b")], [("x-request-id", "x" * 65)], [("x-request-id", "a"), ("x-request-id", "b")]]
)
async def test_any_other_request_gets_a_new_id(headers: list[tuple[str, str]]) -> None:
    answers = [await ask(headers) for _ in range(2)]
    names = [answer.headers["x-request-id"] for answer in answers]
    assert [answer.text for answer in answers] == names
    assert all(len(name) == 32 for name in names)
    assert names[0] != names[1]


async def test_the_response_is_counted_by_its_status() -> None:
    metrics = Metrics()
    await ask([], metrics)
    assert b'guard_responses_total{status="202"} 1.0' in metrics.text()


async def test_what_is_not_http_passes_unchanged() -> None:
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    scope: Any = {"type": "lifespan"}
    unused: Any = None
    await RequestId(app, Metrics())(scope, unused, unused)
    assert seen[0] is scope
