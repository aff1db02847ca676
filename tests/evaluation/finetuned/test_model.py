from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from evaluation.finetuned.corpus import Corpus
from evaluation.finetuned.model import cached_model, model_key, read_report
from tests.evaluation.finetuned.conftest import CORPUS, RECIPE

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.slow
def test_a_model_is_trained_once_in_as_many_runs_as_it_takes(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARD_CACHE_DIR", str(tmp_path))
    assert cached_model(base, CORPUS, RECIPE, seconds=0) is None
    assert [path.suffix for path in (tmp_path / "models").iterdir()] == [".state"]
    folder = cached_model(base, CORPUS, RECIPE)
    assert folder is not None
    assert list((tmp_path / "models").iterdir()) == [folder]
    assert read_report(folder).epochs == RECIPE.epochs
    changed = (folder / "config.json").stat().st_mtime_ns
    assert cached_model(base, CORPUS, RECIPE) == folder
    assert (folder / "config.json").stat().st_mtime_ns == changed


@pytest.mark.slow
def test_the_key_is_of_all_that_shapes_the_model(base: Path) -> None:
    keys = {
        model_key(base, CORPUS, RECIPE),
        model_key(base, CORPUS, dataclasses.replace(RECIPE, seed=1)),
        model_key(base, Corpus(dict(reversed(CORPUS.sets.items()))), RECIPE),
    }
    assert len(keys) == 3
    assert model_key(base, CORPUS, RECIPE) in keys
