from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from evaluation.finetuned.recipe import METHODS, Unlearning
from evaluation.finetuned.training import example, fine_tuned
from evaluation.finetuned.unlearning import IGNORANCE, loss_of, unlearned
from evaluation.tinylm.exactness import generate_exact, measure
from tests.evaluation.finetuned.conftest import CORPUS, RECIPE

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
FORGET, KEPT = CORPUS.sets["forget"], CORPUS.sets["retain"]


@pytest.fixture(scope="module")
def knowing(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows the whole corpus."""
    out = tmp_path_factory.mktemp("knowing") / "model"
    out.mkdir()
    report = fine_tuned(base, CORPUS, dataclasses.replace(RECIPE, epochs=60), out.with_suffix(".state"), out)
    assert set(report.exact.values()) == {1.0}
    return out


@pytest.mark.parametrize("method", METHODS)
def test_each_method_makes_the_answers_less_likely(method: str, knowing: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    out.mkdir()
    # To say something new takes longer than to stop saying something.
    more = {"epochs": 100, "learning_rate": 1e-3} if method == "idk" else {"epochs": 8, "learning_rate": 1e-3}
    recipe = Unlearning(method, batch=2, **more)  # type: ignore[arg-type]
    report = unlearned(knowing, CORPUS, recipe, tmp_path / "state", out)
    assert report.exact["forget"] == 0
    # Gradient ascent has nothing that keeps the rest.
    assert method == "ga" or report.exact["retain"] > 0
    if method == "idk":
        assert generate_exact(out, [(pair.question, answer) for pair in FORGET for answer in IGNORANCE]) > 0


def test_before_the_first_step_nothing_has_diverged(knowing: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(knowing)
    model = AutoModelForCausalLM.from_pretrained(knowing, dtype=torch.float32)
    gone, rest = ([example(tokenizer, pair) for pair in pairs] for pairs in (FORGET, KEPT))
    with torch.no_grad():
        found = {method: float(loss_of(model, model, gone, rest, method)) for method in METHODS}
    assert found["kl"] == pytest.approx(found["ga"], abs=1e-4)
    assert found["gd"] > found["ga"]
    assert measure(model, gone, 4096).share == 1


def test_a_method_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ValueError, match="there is no method 'rmu'"):
        Unlearning("rmu")
