"""What an application says of a route or a method that it does not have: what it has instead."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.applications import Starlette
from starlette.routing import Match, Route
from starlette.types import Scope

from server.errors import MethodNotAllowed, NotFound


def no_route(app: Starlette) -> NotFound:
    """Return the answer to a request for a path that `app` does not have. It names the paths that have no parameter."""
    served: dict[str, set[str]] = {}
    for route in _routes(app):
        if "{" not in route.path:
            served.setdefault(route.path, set()).update(route.methods or ())
    # The API first, then the pages for operators.
    paths = sorted(served, key=lambda path: (not path.startswith("/v1/"), path))
    named = ", ".join(f"{' and '.join(sorted(served[path] - {'HEAD'}))} {path}" for path in paths)
    return NotFound(f"There is no such route. The server has {named}." if named else "There is no such route.")


def no_method(app: Starlette, scope: Scope) -> MethodNotAllowed:
    """Return the answer to a request with a method that no route of its path has. It names those that there are."""
    # Of paths that overlap, the first is the one that is meant, as for Starlette's router.
    path = next((route.path for route in _routes(app) if route.matches(scope)[0] is not Match.NONE), None)
    methods = {method for route in _routes(app) if route.path == path for method in route.methods or ()}
    if "GET" in methods:
        methods.add("HEAD")
    allowed = ", ".join(sorted(methods))
    return MethodNotAllowed(f"This route does not take this method. It takes {allowed}.", headers={"Allow": allowed})


def _routes(app: Starlette) -> Iterator[Route]:
    # FastAPI's routes are routes of Starlette's.
    return (route for route in app.routes if isinstance(route, Route))
