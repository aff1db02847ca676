"""What is checked before an engine starts. `tests/server/cli/test_serve.py` has what the operator sees of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from server.engine.checks import check_engine
from server.settings import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a config and weights."""
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").touch()
    return tmp_path


def checked(model: Path | str, *arguments: str) -> None:
    check_engine(Settings(model=str(model), vllm_args=arguments))


@pytest.mark.parametrize("name", ["m", "org/model"])
def test_a_name_on_the_hub_is_left_to_the_engine(name: str) -> None:
    checked(name)


def test_a_file_is_left_to_the_engine(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").touch()
    checked(tmp_path / "model.gguf")


@pytest.mark.parametrize("name", ["/no/such/model", "./model", "models/of/mine"])
def test_a_folder_that_is_not_there(name: str) -> None:
    with pytest.raises(ValueError, match="there is no folder"):
        checked(name)


def test_a_folder_that_may_not_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may read everything
    with pytest.raises(ValueError, match="cannot be read: let this user read it"):
        checked(folder)


def test_a_folder_without_a_tokenizer(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"has no tokenizer \(tokenizer.json\).*--tokenizer after --"):
        checked(folder)
    checked(folder, "--tokenizer=other/model")
    checked(folder, "--tokenizer", "other/model")


@pytest.mark.parametrize("name", ["tekken.json", "tokenizer.model", "tokenizer.model.v3", "vocab.txt", "tokenizer_config.json"])
def test_a_tokenizer_that_only_the_engine_reads(folder: Path, name: str) -> None:
    (folder / name).touch()
    checked(folder)


def test_weights_are_not_needed_if_they_are_loaded_in_another_way(folder: Path) -> None:
    (folder / "tekken.json").touch()
    (folder / "model.safetensors").unlink()
    with pytest.raises(ValueError, match="has no weights"):
        checked(folder)
    checked(folder, "--load_format", "dummy")


def test_conflicting_arguments_come_first(folder: Path) -> None:
    with pytest.raises(ValueError, match="--port may not be given to vLLM: use --host and --port"):
        checked("/no/such/model", "--port", "1")
