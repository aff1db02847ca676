"""What is said of routes and methods that there are none of."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from server.http.served import no_method, no_route


def route(path: str, *methods: str) -> Route:
    return Route(path, lambda _: Response(), methods=methods)


APP = Starlette(
    routes=[
        route("/metrics", "GET"),
        route("/v1/things/{id}:pause", "POST"),
        route("/v1/things/{id}", "DELETE"),
        route("/v1/things", "GET"),
        route("/v1/things", "POST"),
        route("/v1/things/{id}", "GET"),
    ]
)


def test_a_path_that_there_is_none_of_is_told_those_that_there_are() -> None:
    assert no_route(APP).message == "There is no such route. The server has GET and POST /v1/things, GET /metrics."
    assert no_route(Starlette()).message == "There is no such route."


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/things", "GET, HEAD, POST"),
        ("/v1/things/7", "DELETE, GET, HEAD"),
        ("/v1/things/7:pause", "POST"),
        ("/metrics", "GET, HEAD"),
    ],
)
def test_a_method_that_there_is_none_of_is_told_those_of_all_routes_of_its_path(path: str, allowed: str) -> None:
    scope: dict[str, Any] = {"type": "http", "method": "PUT", "path": path, "root_path": "", "headers": []}
    error = no_method(APP, scope)
    assert error.headers == {"Allow": allowed}
    assert f"It takes {allowed}." in error.message
