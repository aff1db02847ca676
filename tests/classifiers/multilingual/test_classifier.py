"""The multilingual classifier scores prompts against profiles."""

from __future__ import annotations

import math

import numpy as np
import pytest

from classifiers.multilingual.classifier import NAMES, Multilingual
from classifiers.multilingual.said import Said
from classifiers.profile.weights import Weights
from tests.classifiers.conftest import BagOfWords, a_target

NAMED = Weights(np.array([float(name == "name") for name in NAMES], np.float32), 0.0, 0.5, 0.25)
"""Weights that read one feature, with a limit of 0.5 and one of 0.25 for doubtful names."""


def test_a_score_is_the_feature_less_the_limit_and_the_best_window_counts() -> None:
    model = Multilingual(BagOfWords(), ["how do planes fly", "what is rain"], model=NAMED)
    target = a_target("ada", "ada brillquist")
    said = Said("ada brillquist")
    far, near = model.reach(["how do planes fly", "ada brillquist"])
    assert model.score([near], said, target) == pytest.approx(0.5)
    assert model.score([near], said, target, doubtful=True) == pytest.approx(0.75)
    assert model.score([far, near], said, target) == model.score([near], said, target) > model.score([far], said, target)
    assert model.score([], said, target) == -math.inf
    assert model.reach([]) == []


def test_a_name_that_is_heard_does_not_change_the_limit() -> None:
    model = Multilingual(BagOfWords(), ["how do planes fly"], model=NAMED)
    target, said = a_target("ada", "ada brillquist"), Said("ada brillquist")
    [window] = model.reach(["ada brillquist"])
    assert model.score([window], said, target, heard=True) == model.score([window], said, target)
    [plain], [heard] = (model.features([window], said, target, doubtful) for doubtful in (False, True))
    assert [name for name, one, other in zip(NAMES, plain, heard, strict=True) if one != other] == ["doubtful"]


def test_the_packaged_weights_are_of_these_features() -> None:
    assert len(Weights.packaged("multilingual", NAMES).values) == len(NAMES)
