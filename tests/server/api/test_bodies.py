"""Bodies: read by the strict parser, of the right type, and not over the limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from starlette.requests import Request

from server.api.bodies import check_expiry, digest_of
from server.errors import BadRequest
from tests.server.api.conftest import Served


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b'{"name": "a b", "name": "c d"}', {}, 400, "duplicate_key"),
        (b'{"name": NaN}', {}, 400, "invalid_json"),
        (b"[" * 100 + b"]" * 100, {}, 400, "invalid_json"),
        (b"[]", {}, 400, "invalid_json"),
        (b"", {}, 400, "invalid_json"),
        (b'{"name": "a b"}', {"content-type": "text/plain"}, 415, "unsupported_media_type"),
        (b'{"name": "a b"}', {"content-type": "application/json; charset=latin-1"}, 415, "unsupported_media_type"),
        (b'{"name": "a b"}', {"content-encoding": "gzip"}, 415, "unsupported_media_type"),
        (b'{"name": "' + b"a" * 2**20 + b'"}', {}, 413, "request_too_large"),
    ],
)
async def test_bodies_go_through_the_strict_parser(
    served: Served, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    response = await served.client.post(
        "/v1/forget-targets", content=content, headers={"content-type": "application/json"} | headers
    )
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize("expires_at", [None, NOW + timedelta(microseconds=1)])
def test_what_ends_later_may_be_made(expires_at: datetime | None) -> None:
    check_expiry(expires_at, NOW)


@pytest.mark.parametrize("expires_at", [NOW, NOW - timedelta(days=1)])
def test_what_is_over_is_refused_with_its_place(expires_at: datetime) -> None:
    with pytest.raises(BadRequest, match="target a: `expires_at` lies in the past") as caught:
        check_expiry(expires_at, NOW, "target a: ")
    assert caught.value.param == "expires_at"


def test_without_a_time_it_is_now() -> None:
    with pytest.raises(BadRequest):
        check_expiry(NOW - timedelta(days=36500))


def request(method: str = "POST", path: str = "/x", query: str = "", digest: str | None = None) -> Request:
    state = {} if digest is None else {"body_digest": digest}
    return Request(
        {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": [], "state": state}
    )


def test_the_same_request_has_the_same_digest() -> None:
    assert digest_of(request(digest="d")) == digest_of(request(digest="d"))


@pytest.mark.parametrize("other", [{"method": "PUT"}, {"path": "/y"}, {"query": "a=b"}, {"digest": "e"}, {"digest": None}])
def test_another_request_has_another_digest(other: dict[str, str]) -> None:
    assert digest_of(request(**{"digest": "d"} | other)) != digest_of(request(digest="d"))
