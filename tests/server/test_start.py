from __future__ import annotations

from pathlib import Path

import pytest

from server.settings import Settings
from server.start import alone, open_store


def test_a_folder_is_let_go_of_at_the_end(tmp_path: Path) -> None:
    for _ in range(2):
        with alone(tmp_path / "data"), pytest.raises(RuntimeError, match="used by another server"), alone(tmp_path / "data"):
            pass
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(RuntimeError, match="cannot be written to"), alone(tmp_path / "file" / "data"):
        pass


async def test_a_store_that_cannot_be_opened_says_where_it_is(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="that GUARD_DATABASE names"):
        await open_store(Settings(model="m", data_dir=tmp_path, database="mysql://x/y"))
