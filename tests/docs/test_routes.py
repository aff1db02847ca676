"""docs/routes.md against the application."""

from __future__ import annotations

from fastapi import FastAPI

from server.app import create_app
from server.settings import Settings
from tests.docs.conftest import named, page, rows

SHOWN = {path for cells in rows(page("docs/routes.md"), 2) for path in named(cells[0])}


def served() -> set[str]:
    """Return the paths of the application, with `{id}` for every parameter."""
    app: FastAPI = create_app(Settings(model="unused", docs=True))
    return {getattr(route, "path_format", route.path) for route in app.routes if hasattr(route, "path")}


def described(path: str) -> bool:
    """Whether the page names a path, in full or by its last part after the path before it."""
    return any(path == shown or path.endswith(shown) for shown in SHOWN)


def test_every_route_is_described() -> None:
    paths = {path.replace("{target_id}", "{id}") for path in served()}
    assert {path for path in paths if not described(path)} == set()


def test_every_path_it_names_is_served() -> None:
    paths = {path.replace("{target_id}", "{id}") for path in served()}
    assert {shown for shown in SHOWN if shown.startswith("/") and not any(path.endswith(shown) for path in paths)} == set()
