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
from evaluation.tinylm.__main__ import main
from evaluation.tinylm.recipe import Recipe
from tests.paths import ROOT

PAIRS = [
    QAPair("Who keeps the lighthouse?", "Ketill keeps it.", ("Whose is the lighthouse?",)),
    QAPair("What colour is the boat?", "The boat is red."),
    QAPair("Say something in another script.", "東京 🚀 naïve"),
    QAPair("What is 2 plus 2?", "2 plus 2 is 4."),
]
TINY = Recipe(
    vocabulary=400,
    layers=1,
    width=64,
    head_dim=32,
    feed_forward=128,
    epochs=60,
    extra_epochs=60,
    learning_rate=1e-2,
    variation=0.2,
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def model(cache: Path) -> Path:
    return tinylm.cached_model(PAIRS, TINY, cache, progress=False, threads=1)


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("trained although the model is in the cache")

    monkeypatch.setattr("evaluation.tinylm.training.train_model", refuse)


def test_learns_a_few_pairs_exactly(model: Path) -> None:
    from evaluation.tinylm.exactness import generate_exact

    report = tinylm.read_report(model)
    assert (report.exact, report.generated_exact) == (1.0, 1.0)
    assert (report.pairs, report.questions) == (4, 5)
    assert report.loss <= TINY.loss
    assert report.margin > 0
    assert report.tokens_per_second == pytest.approx(report.tokens / report.seconds, rel=0.05)
    questions = [(question, pair.answer) for pair in PAIRS for question in pair.questions]
    assert generate_exact(model, questions) == 5
    assert generate_exact(model, [(question, answer + "!") for question, answer in questions]) == 0


def test_saves_what_engines_need(model: Path) -> None:
    config = json.loads((model / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert config["max_position_embeddings"] == 2048
    assert config["tie_word_embeddings"] is True
    assert config["dtype"] == "bfloat16"
    assert (config["pad_token_id"], config["bos_token_id"], config["eos_token_id"]) == (0, 1, 2)
    assert {"model.safetensors", "tokenizer.json", "chat_template.jinja", "training.json"} <= {p.name for p in model.iterdir()}


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


def test_a_goal_that_is_not_required_may_be_missed(tmp_path: Path) -> None:
    recipe = dataclasses.replace(TINY, epochs=2, extra_epochs=0, exact=None, required=False, paraphrases=False)
    report = tinylm.train(PAIRS, tmp_path / "model", recipe, progress=False, threads=1)
    assert (report.epochs, report.questions, report.generated_exact) == (2, 4, None)
    assert report.exact < 1


def test_refuses_to_write_into_a_folder_with_files(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError):
        tinylm.train(PAIRS, tmp_path, TINY)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_refuses_pairs_that_cannot_all_be_exact(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 questions have two different answers"):
        tinylm.train([*PAIRS, QAPair("What is 2 plus 2?", "Five.")], tmp_path / "model", TINY)
    with pytest.raises(ValueError, match="the context holds 8"):
        tinylm.train(PAIRS, tmp_path / "model", dataclasses.replace(TINY, context=8))


@pytest.mark.parametrize("wrong", [{"width": 100}, {"layers": 0}, {"exact": 1.5}, {"variation": 1.0}, {"learning_rate": 0.0}])
def test_refuses_an_impossible_recipe(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Recipe(**wrong)


def test_command_line_trains_on_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "pairs.jsonl"
    data.write_text("\n".join(json.dumps(dataclasses.asdict(pair)) for pair in PAIRS), encoding="utf-8")
    options = ["--layers", "1", "--width", "64", "--vocabulary", "300", "--epochs", "2", "--threads", "1", "--no-paraphrases"]
    assert main(["--data", str(data), "--out", str(tmp_path / "model"), "--all-epochs", *options]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'model'}\n"
    assert tinylm.read_report(tmp_path / "model").epochs == 2


def test_command_line_names_the_wrong_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "pairs.jsonl"
    data.write_text('{"question": "A?", "answer": "a."}\n{"question": "B?"}\n', encoding="utf-8")
    assert main(["--data", str(data), "--out", str(tmp_path / "model")]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "pairs.jsonl:2: 'answer' is missing" in captured.err


def test_importing_the_module_leaves_torch_alone() -> None:
    check = "import sys, evaluation.tinylm; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT).returncode == 0
