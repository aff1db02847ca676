"""The page that shows the API's description, where its files are missing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi import FastAPI

from server.http import apidocs


@pytest.mark.parametrize("there", [True, False])
def test_without_its_files_the_page_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, there: bool) -> None:
    origin = str(tmp_path / "__init__.py")
    monkeypatch.setattr(apidocs, "find_spec", lambda _: SimpleNamespace(origin=origin) if there else None)
    with pytest.raises(ValueError, match="GUARD_DOCS"):
        apidocs.install(FastAPI())
