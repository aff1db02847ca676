"""What is checked before an engine starts. `tests/server/cli/test_serve.py` has what the operator sees of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

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


@pytest.fixture
def fleet(tmp_path: Path) -> dict[str, Any]:
    """The settings of a front end of a fleet."""
    (tmp_path / "token").write_text("secret")
    return {"model": "m", "upstream": "http://router:8000", "tokenizer": "t", "engine_token_file": tmp_path / "token"}


def test_a_front_end_of_a_fleet_needs_no_folder_of_a_model(fleet: dict[str, Any]) -> None:
    check_engine(Settings(**fleet | {"model": "/models/that/engines/have"}))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tokenizer": None}, "--tokenizer: --upstream needs the model's tokenizer"),
        ({"vllm_args": ("--dtype", "auto")}, "give them to `vllm serve`"),
        ({"upstream": "router:8000"}, "give the router's base URL"),
        ({"upstream": ""}, "give the router's base URL"),
        ({"engine_token_file": None}, "GUARD_ENGINE_TOKEN_FILE: GUARD_UPSTREAM needs a file"),
        ({"engine_token_file": "/no/such/file"}, "GUARD_ENGINE_TOKEN_FILE: .* cannot be read"),
        ({"upstream_key_file": "/no/such/file"}, "GUARD_UPSTREAM_KEY_FILE: .* cannot be read"),
    ],
)
def test_what_a_front_end_of_a_fleet_lacks_is_named(fleet: dict[str, Any], change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_engine(Settings(**fleet | change))
