"""A model that knows four pairs, trained once."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.tinylm import model as tinylm
from tests.evaluation.tinylm.tiny import PAIRS, TINY


@pytest.fixture(scope="package")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="package")
def model(cache: Path) -> Path:
    return tinylm.cached_model(PAIRS, TINY, cache, progress=False, threads=1)
