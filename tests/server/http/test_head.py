"""HEAD is answered as GET is, without the body, however the body comes."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from server.http.head import Head


def pieces() -> Iterator[bytes]:
    yield b"a"
    yield b"b"


def told(request: Request) -> Response:
    return PlainTextResponse("ab", headers={"x-method": request.method})


APP = Starlette(
    routes=[
        Route("/whole", told, methods=["GET"]),
        Route("/pieces", lambda _: StreamingResponse(pieces()), methods=["GET"]),
        Route("/post", told, methods=["POST"]),
    ],
    middleware=[Middleware(Head)],
)


@pytest.mark.parametrize(("path", "status"), [("/whole", 200), ("/pieces", 200), ("/post", 405), ("/nowhere", 404)])
async def test_head_has_the_status_and_headers_of_get_and_no_body(path: str, status: int) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(APP), base_url="http://test") as client:
        head, get = await client.head(path), await client.get(path)
    assert (head.status_code, head.content) == (status, b"")
    assert dict(head.headers) == dict(get.headers)
    assert get.content
