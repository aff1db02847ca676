from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.evidence import models as module
from evaluation.evidence.models import NoModel, models
from evaluation.finetuned.recipe import Recipe, Unlearning
from tests.evaluation.finetuned.conftest import CORPUS


@pytest.fixture
def cached(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[int, str], Path]:
    """The models that are trained, by seed and kind."""
    trained: dict[tuple[int, str], Path] = {}

    def find(_base: Path, _corpus: object, recipe: Recipe | Unlearning) -> Path | None:
        kind = recipe.method if isinstance(recipe, Unlearning) else "retain" if recipe.retain else "whole"
        return trained.get((recipe.seed, f"alice {kind}" if recipe.forget == "alice" else kind))

    monkeypatch.setattr(module, "find", find)
    monkeypatch.setattr(module.corpus, "load", lambda **_: CORPUS)
    monkeypatch.setattr(module, "missing", lambda _: "")
    monkeypatch.setattr(module, "build", lambda: None)
    monkeypatch.setattr(module, "book", lambda _: CORPUS)
    return trained


def test_the_models_of_a_seed(cached: dict[tuple[int, str], Path]) -> None:
    cached.update({(1, "whole"): Path("w"), (1, "retain"): Path("r"), (1, "npo"): Path("n"), (0, "ga"): Path("g")})
    found = models(1, base=Path("base"))
    assert (found.whole, found.retain, found.trained) == (Path("w"), Path("r"), {"npo": Path("n")})


def test_the_models_of_a_book_count_if_both_are_trained(cached: dict[tuple[int, str], Path]) -> None:
    cached.update({(0, "whole"): Path("w"), (0, "retain"): Path("r"), (0, "alice whole"): Path("a")})
    assert models(0, base=Path("base")).book is None
    cached[0, "alice retain"] = Path("b")
    assert models(0, base=Path("base")).book == (Path("a"), Path("b"))


def test_a_missing_model_says_how_it_is_trained(cached: dict[tuple[int, str], Path]) -> None:
    with pytest.raises(NoModel, match=r"run `python -m evaluation\.finetuned --seed 2`"):
        models(2, base=Path("base"))
    cached[2, "whole"] = Path("w")
    with pytest.raises(NoModel, match="--seed 2 --retain`"):
        models(2, base=Path("base"))


def test_it_is_trained_if_asked_for(cached: dict[tuple[int, str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Recipe] = []

    def train(_base: Path, _corpus: object, recipe: Recipe) -> Path:
        made.append(recipe)
        return Path("retain" if recipe.retain else "whole")

    monkeypatch.setattr(module, "cached_model", train)
    found = models(3, train=True, base=Path("base"))
    assert made == [Recipe(seed=3), Recipe(seed=3, retain=True)]
    assert (found.whole, found.retain) == (Path("whole"), Path("retain"))
