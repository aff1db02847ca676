"""The second opinion: when it is asked for, and what it weighs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from classifiers.meaning.encoder import Vectors
from classifiers.multilingual.classifier import Multilingual
from classifiers.multilingual.features import NAMES as SECOND_NAMES
from classifiers.multilingual.second import NAMES, UNSURE, Compared, SecondOpinion, joined
from classifiers.naming.search import NO_DOUBT
from classifiers.profile.classifier import Best, ProfileClassifier
from classifiers.profile.features import NAMES as FIRST_NAMES
from classifiers.profile.weights import Weights
from tests.classifiers.conftest import BagOfWords, a_target

FIRST = np.zeros(len(FIRST_NAMES), np.float32)


def weights(**values: float) -> Weights:
    """Weights of a few features, by name, with a limit of 0.5 and one of 0.25 for doubtful names."""
    known = {name.replace("_", " "): value for name, value in values.items()}
    return Weights(np.array([known.get(name, 0.0) for name in NAMES], np.float32), 0.0, 0.5, 0.25)


@pytest.mark.parametrize(
    ("score", "hinted", "asked"),
    [
        (UNSURE[0] - 0.1, False, False),
        (UNSURE[0] - 0.1, True, False),
        (0.0, False, True),
        (UNSURE[1] + 0.1, False, False),
        (UNSURE[1] + 0.1, True, True),
    ],
)
def test_it_is_asked_where_the_profile_is_unsure(score: float, hinted: bool, asked: bool) -> None:
    assert SecondOpinion.is_asked(Best(0, score, FIRST), hinted) is asked


def test_it_weighs_what_both_encoders_say() -> None:
    multilingual = Multilingual(BagOfWords(), ["how do planes fly", "what is rain"])
    opinion = SecondOpinion(multilingual, weights(tell=2.0, second_name=1.0))
    target = a_target("ada", "ada brillquist")
    near, far = opinion.reach("ada brillquist"), opinion.reach("how do planes fly")
    told = np.where(np.array(FIRST_NAMES) == "tell", np.float32(0.25), np.float32(0))
    assert opinion.score(Best(0, 0.0, FIRST), near, target, False) == pytest.approx(0.5)
    assert opinion.score(Best(0, 0.0, FIRST), near, target, True) == pytest.approx(0.75)
    assert opinion.score(Best(0, 0.0, told), near, target, False) == pytest.approx(1.0)
    assert opinion.score(Best(0, 0.0, FIRST), far, target, False) == pytest.approx(-0.5)


def test_names_are_weighed_once() -> None:
    second = np.arange(len(SECOND_NAMES), dtype=np.float32)
    assert len(joined(FIRST, second)) == len(NAMES)
    assert len(set(NAMES)) == len(NAMES)
    assert SECOND_NAMES.index("doubtful") not in joined(FIRST, second)


class Counting(BagOfWords):
    """It counts the texts that it encodes."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of texts."""
        self.texts += texts
        return super().encode(texts)


def test_a_window_is_read_once_and_only_where_the_profile_is_unsure() -> None:
    encoder, counting = BagOfWords(), Counting()
    texts = ["now ada brillquist", "how do planes fly"]
    unsure = Weights(np.zeros(len(FIRST_NAMES), np.float32), 0.0, 0.5, 0.25)
    profiles = ProfileClassifier(encoder, unsure)
    windows = profiles.windows(texts, encoder.encode(texts), np.zeros(2, np.float32))
    opinion = SecondOpinion(Multilingual(counting, ["what is rain"]), weights(second_name=1.0))
    targets = [a_target("ada", "ada brillquist"), a_target("bo", "bo quince")]
    compared = Compared(texts, windows, opinion)
    assert 0 < compared.score(profiles, [0, 1], targets[0], NO_DOUBT) < 0.5
    assert compared.score(profiles, [0], targets[1], NO_DOUBT) == pytest.approx(-0.5)
    assert [text for text in counting.texts if text in texts] == texts[:1]
    sure = ProfileClassifier(encoder, Weights(unsure.values, 5.0, 0.5, 0.25))
    assert compared.score(sure, [1], targets[0], NO_DOUBT) == 4.5
    assert [text for text in counting.texts if text in texts] == texts[:1]
    assert Compared(texts, windows).score(profiles, [0], targets[0], NO_DOUBT) == -0.5
