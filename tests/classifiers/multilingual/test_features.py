"""The features of a prompt in another language, computed by hand on vectors of two dimensions."""

from __future__ import annotations

import numpy as np
import pytest

from classifiers import Example
from classifiers.multilingual.features import NAMES, Reach, features
from classifiers.profile.others import all_others
from classifiers.profile.profile import Profile
from tests.classifiers.conftest import a_target


def test_a_window_is_measured_against_everything_else() -> None:
    background = np.array([[1, 0], [0, 1]], np.float32)
    others = np.zeros((len(all_others()), 2), np.float32)
    others[0] = [0.6, 0.8]
    [reach] = Reach.of(np.array([[0.8, 0.6]], np.float32), background, others)
    assert reach.background == pytest.approx((0.8, 0.7, 0.1))
    assert reach.others[0] == pytest.approx(0.96)


def test_each_feature_is_what_its_name_says() -> None:
    target = a_target("ada", "Ada Brillquist", examples=[Example(prompt="Who?", completion="A cook.")])
    profile = Profile(target)
    assert (len(profile.asks), len(profile.tells), len(profile.names)) == (1, 1, 1)
    others = np.zeros(len(all_others()), np.float32)
    others[profile.strangers[0]] = 0.5
    reach = Reach(np.array([1, 0], np.float32), (0.4, 0.1, 0.1), others)
    vectors = np.array([[0.6, 0.8], [0.8, 0.6], [1, 0]], np.float32)
    found = dict(zip(NAMES, features(reach, profile, vectors, True).tolist(), strict=True))
    assert found["ask"] == pytest.approx(0.6)
    assert found["tell"] == pytest.approx(0.8)
    assert found["name"] == pytest.approx(1.0)
    assert found["ask lead"] == pytest.approx(0.2)
    assert found["ask z"] == pytest.approx(5.0, rel=1e-3)
    assert found["name lead"] == pytest.approx(0.5)
    assert found["best lead"] == pytest.approx(0.5)
    assert found["ask x name"] == pytest.approx(0.6)
    assert found["doubtful"] == 1
    deviation = float(others.std())
    assert found["name lead z"] == pytest.approx(0.5 / deviation, rel=1e-4)
    centre = vectors.mean(0)
    assert found["whole"] == pytest.approx(float(centre[0] / np.linalg.norm(centre)), rel=1e-4)
