"""docs/routes.md against the application."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI

from server.app import create_app
from server.settings import Settings
from tests.docs.conftest import named, page, rows

SHOWN = {path for cells in rows(page("docs/routes.md"), 2) for path in named(cells[0])}


@pytest.fixture
def served(tmp_path: Path) -> set[str]:
    """The paths of the application, with `{id}` for every parameter: of a front end of a fleet, which has all routes."""
    (tmp_path / "token").write_text("secret")
    fleet = {"upstream": "http://router", "engine_token_file": tmp_path / "token"}
    app: FastAPI = create_app(Settings(model="unused", docs=True, **fleet))
    paths = {getattr(route, "path_format", route.path) for route in app.routes if hasattr(route, "path")}
    return {path.replace("{target_id}", "{id}") for path in paths}


def described(path: str) -> bool:
    """Whether the page names a path, in full or by its last part after the path before it."""
    return any(path == shown or path.endswith(shown) for shown in SHOWN)


def test_every_route_is_described(served: set[str]) -> None:
    assert {path for path in served if not described(path)} == set()


def test_every_path_it_names_is_served(served: set[str]) -> None:
    assert {shown for shown in SHOWN if shown.startswith("/") and not any(path.endswith(shown) for path in served)} == set()
