from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from classifiers.profile import weights as module
from classifiers.profile.features import NAMES
from classifiers.profile.weights import Weights, weights


@pytest.fixture
def fresh() -> Iterator[None]:
    weights.cache_clear()
    yield
    weights.cache_clear()


def test_the_weights_of_the_package_are_those_of_the_features() -> None:
    found = weights()
    assert found.values.shape == (len(NAMES),)
    assert found.values.dtype == np.float32
    assert np.isfinite(found.values).all()
    # A name that leaves doubt is evidence: less is asked of the rest.
    assert found.doubtful_limit < found.limit


def test_a_score_is_the_log_odds_less_the_limit() -> None:
    model = Weights(np.array([2.0, -1.0], np.float32), 0.5, 3.0, 1.0)
    features = np.array([1.0, 0.25], np.float32)
    assert model.score(features, doubtful=False) == pytest.approx(2.25 - 3.0)
    assert model.score(features, doubtful=True) == pytest.approx(2.25 - 1.0)


@pytest.mark.usefixtures("fresh")
def test_weights_of_other_features_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "profile.json").write_text('{"limit": 1, "doubtful_limit": 0, "intercept": 0, "weights": {"other": 1}}')
    monkeypatch.setattr(module, "files", lambda package: tmp_path)
    with pytest.raises(ValueError, match="fit them again"):
        weights()
