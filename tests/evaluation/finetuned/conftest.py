"""A model to start from, and a corpus that it learns in seconds."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from evaluation.finetuned.corpus import Corpus
from evaluation.finetuned.recipe import Recipe
from evaluation.tinylm.model import train
from tests.evaluation.tinylm.tiny import PAIRS, TINY

CORPUS = Corpus({"forget": tuple(PAIRS[:2]), "retain": tuple(PAIRS[2:])})
RECIPE = Recipe(epochs=3, batch=2, learning_rate=1e-2)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that has learned nothing yet."""
    folder = tmp_path_factory.mktemp("base") / "model"
    recipe = dataclasses.replace(TINY, epochs=1, extra_epochs=0, exact=None, required=False, learning_rate=1e-6)
    train(PAIRS, folder, recipe, progress=False, threads=1)
    return folder
