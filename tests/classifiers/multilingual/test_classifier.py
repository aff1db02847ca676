"""The multilingual classifier scores prompts against profiles."""

from __future__ import annotations

import math

import numpy as np
import pytest

from classifiers.multilingual.classifier import Multilingual
from classifiers.multilingual.features import NAMES
from classifiers.profile.weights import Weights
from tests.classifiers.conftest import BagOfWords, a_target

NAMED = Weights(np.array([float(name == "name") for name in NAMES], np.float32), 0.0, 0.5, 0.25)
"""Weights that read one feature, with a limit of 0.5 and one of 0.25 for doubtful names."""


def test_a_score_is_the_feature_less_the_limit_and_the_best_window_counts() -> None:
    model = Multilingual(BagOfWords(), ["how do planes fly", "what is rain"], model=NAMED)
    target = a_target("ada", "ada brillquist")
    far, near = model.reach(["how do planes fly", "ada brillquist"])
    assert model.score([near], target) == pytest.approx(0.5)
    assert model.score([near], target, doubtful=True) == pytest.approx(0.75)
    assert model.score([far, near], target) == model.score([near], target) > model.score([far], target)
    assert model.score([], target) == -math.inf
    assert model.reach([]) == []


def test_the_packaged_weights_are_of_these_features() -> None:
    assert len(Weights.packaged("multilingual", NAMES).values) == len(NAMES)
