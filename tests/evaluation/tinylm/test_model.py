from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evaluation.pairs import QAPair
from evaluation.tinylm import model as tinylm
from tests.evaluation.tinylm.tiny import PAIRS, TINY


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("trained although the model is in the cache")

    monkeypatch.setattr("evaluation.tinylm.training.train_model", refuse)


def test_saves_what_engines_need(model: Path) -> None:
    config = json.loads((model / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert config["max_position_embeddings"] == 2048
    assert config["tie_word_embeddings"] is True
    assert config["dtype"] == "bfloat16"
    assert (config["pad_token_id"], config["bos_token_id"], config["eos_token_id"]) == (0, 1, 2)
    assert {"model.safetensors", "tokenizer.json", "chat_template.jinja", "training.json"} <= {p.name for p in model.iterdir()}


@pytest.mark.slow
def test_the_same_training_gives_the_same_weights(model: Path, tmp_path: Path) -> None:
    report = tinylm.train(PAIRS, tmp_path / "again", TINY, progress=False, threads=1)
    assert report.steps == tinylm.read_report(model).steps
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == (model / "model.safetensors").read_bytes()


@pytest.mark.usefixtures("no_training")
def test_a_second_call_trains_nothing(model: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tinylm.cached_model(PAIRS, TINY, cache) == model
    monkeypatch.setenv("GUARD_CACHE_DIR", str(cache))
    assert tinylm.cached_model(PAIRS, TINY) == model


def test_the_key_follows_the_content(monkeypatch: pytest.MonkeyPatch) -> None:
    key = tinylm.model_key(PAIRS, TINY)
    other_pairs = [*PAIRS[:3], QAPair("What is 2 plus 2?", "2 plus 2 is 5.")]
    keys = {
        key,
        tinylm.model_key(other_pairs, TINY),
        tinylm.model_key(PAIRS[:3], TINY),
        tinylm.model_key(PAIRS, dataclasses.replace(TINY, seed=1)),
    }
    assert len(keys) == 4
    assert tinylm.model_key(list(PAIRS), TINY) == key
    monkeypatch.setattr(tinylm, "FORMAT", -1)
    assert tinylm.model_key(PAIRS, TINY) not in keys


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_build_leaves_no_half_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def interrupted(pairs: Any, out: Path, *args: Any, **kwargs: Any) -> None:
        (out / "config.json").write_text("{}")
        raise error

    monkeypatch.setattr("evaluation.tinylm.training.train_model", interrupted)
    with pytest.raises(error):
        tinylm.cached_model(PAIRS, TINY, tmp_path)
    assert [path.suffix for path in (tmp_path / "models").iterdir()] == [".lock"]


def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path) -> None:
    out = tmp_path / "model"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    stale = tmp_path / f".model.partial-{gone.pid}-abc"
    stale.mkdir()
    (stale / "model.safetensors").write_text("half")
    with pytest.raises(ValueError, match="no pairs"):
        tinylm.train([], out, TINY)
    assert list(tmp_path.iterdir()) == []


def test_missing_the_goal_is_an_error_that_counts(tmp_path: Path) -> None:
    from evaluation.tinylm.training import TrainingError

    hopeless = dataclasses.replace(TINY, epochs=1, extra_epochs=0)
    with pytest.raises(TrainingError, match="5 of 5 questions are not answered exactly after 1 epochs"):
        tinylm.train(PAIRS, tmp_path / "model", hopeless, progress=False, threads=1)
    assert list(tmp_path.iterdir()) == []


def test_refuses_to_write_into_a_folder_with_files(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError):
        tinylm.train(PAIRS, tmp_path, TINY)
    assert (tmp_path / "notes.txt").read_text() == "mine"
