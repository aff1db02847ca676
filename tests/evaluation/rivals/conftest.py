"""A tiny model that has learned four answers."""

from __future__ import annotations

import pytest

from evaluation.likelihood import TokenLikelihood
from evaluation.tinylm.model import train
from tests.evaluation.tinylm.tiny import PAIRS, TINY


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> TokenLikelihood:
    """The model, with its tokenizer."""
    folder = tmp_path_factory.mktemp("rivals") / "model"
    train(PAIRS, folder, TINY, progress=False, threads=1)
    return TokenLikelihood(folder)
