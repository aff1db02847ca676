"""A folder of the cache is made once, and is complete or absent."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import platformdirs
import pytest

from evaluation.cache import complete_or_absent, default_cache_dir, made_once


def test_the_cache_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARD_CACHE_DIR", str(tmp_path))
    assert default_cache_dir() == tmp_path
    monkeypatch.delenv("GUARD_CACHE_DIR")
    assert default_cache_dir() == platformdirs.user_cache_path("guard-server")


def test_those_who_want_it_at_once_wait_for_the_one_that_makes_it(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        time.sleep(0.05)
        folder.mkdir()
        (folder / "last").touch()

    folder = tmp_path / "models" / "x"
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(made_once(folder, "last", make))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [folder] * 4
    assert made == [folder]


def test_an_error_leaves_nothing_and_the_next_call_makes_it(tmp_path: Path) -> None:
    out = tmp_path / "x"

    def half() -> None:
        with complete_or_absent(out) as folder:
            (folder / "part").touch()
            raise RuntimeError("half")

    with pytest.raises(RuntimeError, match="half"):
        half()
    assert list(tmp_path.iterdir()) == []
    with complete_or_absent(out) as folder:
        (folder / "part").touch()
        assert not out.exists()
    assert (out / "part").exists()
    assert out.stat().st_mode & 0o777 == 0o755


def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / f".x.partial-{gone.pid}-abc").mkdir()
    with complete_or_absent(tmp_path / "x"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
