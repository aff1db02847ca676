"""The real multilingual encoder, converted once per session."""

from __future__ import annotations

import pytest

from classifiers import shipped_background
from classifiers.multilingual.classifier import Multilingual
from classifiers.multilingual.encoder import MultilingualEncoder, default_cache, open_multilingual


@pytest.fixture(scope="session")
def encoder() -> MultilingualEncoder:
    return open_multilingual()


@pytest.fixture(scope="session")
def multilingual(encoder: MultilingualEncoder) -> Multilingual:
    return Multilingual(encoder, shipped_background(), default_cache())
