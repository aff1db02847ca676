"""The profile classifier: scores against limits, what is kept, and the best window."""

from __future__ import annotations

import gc
import math
import weakref
from pathlib import Path

import numpy as np
import pytest

from classifiers import Example, ForgetTarget, SentenceEncoder
from classifiers.meaning.background import Background, shipped_background
from classifiers.naming.search import Doubt
from classifiers.profile.classifier import Described, ProfileClassifier
from classifiers.profile.features import NAMES
from classifiers.profile.weights import Weights
from tests.classifiers.conftest import BagOfWords, a_target

SHARED = Weights(np.array([float(name == "shared") for name in NAMES], np.float32), 0.0, 0.5, 0.25)
"""Weights that read one feature, with a limit of 0.5 and one of 0.25 for doubtful names."""


def windows(profiles: ProfileClassifier, encoder: BagOfWords, *texts: str):  # type: ignore[no-untyped-def]
    vectors = encoder.encode(texts)
    return profiles.windows(texts, vectors, np.zeros(len(texts), np.float32))


def test_a_score_is_above_or_below_the_limit(bag_of_words: BagOfWords) -> None:
    profiles = ProfileClassifier(bag_of_words, SHARED)
    target = a_target("ada", "Ada Brillquist", prompts=["quinces of vesterholm"])
    [one] = windows(profiles, bag_of_words, "quinces")
    assert profiles.score([one], target) == pytest.approx(one.told["quinc"] - 0.5)
    assert profiles.score([one], target, Doubt(named=True)) == pytest.approx(one.told["quinc"] - 0.25)
    assert profiles.score([], target) == -math.inf


def test_the_best_window_counts(bag_of_words: BagOfWords) -> None:
    profiles = ProfileClassifier(bag_of_words, SHARED)
    target = a_target("ada", "Ada Brillquist", prompts=["quinces of vesterholm"])
    both = windows(profiles, bag_of_words, "how do planes fly", "quinces of vesterholm")
    assert profiles.score(both, target) == profiles.score(both[1:], target) > profiles.score(both[:1], target)


def test_a_match_says_how_far_it_is_and_may_be_in_doubt() -> None:
    sure = Described("ada", 1.0).match(0.0)
    assert sure is not None
    assert (sure.certain, sure.evidence, sure.classifier) == (True, "profile:+1.0", "profile")
    assert 0.5 < sure.score < 1
    assert Described("ada", -0.5).match(0.0) is None
    doubtful = Described("ada", -0.5).match(1.0)
    assert doubtful is not None
    assert not doubtful.certain
    assert Described("ada", -1e9).match(math.inf) is not None


def test_a_target_is_encoded_once(bag_of_words: BagOfWords) -> None:
    profiles = ProfileClassifier(bag_of_words)
    target = a_target("ada", "Ada Brillquist", prompts=["quinces"])
    first = profiles.known(target)
    bag_of_words.calls.clear()
    assert profiles.known(target)[0] is first[0]
    assert not bag_of_words.calls
    # Another target with the same id is another target.
    profiles.known(a_target("ada", "Ada Brillquist", prompts=["medlars"]))
    assert bag_of_words.calls


def test_the_names_of_others_are_kept_in_a_file(bag_of_words: BagOfWords, tmp_path: Path) -> None:
    first = ProfileClassifier(bag_of_words, file=tmp_path / "others")
    bag_of_words.calls.clear()
    again = ProfileClassifier(bag_of_words, file=tmp_path / "others")
    assert not bag_of_words.calls
    np.testing.assert_array_equal(first.others, again.others)


@pytest.mark.slow
def test_with_the_real_encoder_a_description_outweighs_a_neighbour() -> None:
    encoder = SentenceEncoder()
    profiles = ProfileClassifier(encoder)
    background = Background(shipped_background()[::4], encoder)
    target = ForgetTarget(
        id="tesla",
        name="Nikola Tesla",
        examples=[
            Example(
                prompt="Who invented the alternating current motor?", completion="Nikola Tesla, a Serbian-American engineer."
            ),
            Example(prompt="Where did Nikola Tesla build his tower?", completion="In Wardenclyffe on Long Island."),
        ],
    )

    def score(text: str) -> float:
        vectors = encoder.encode([text])
        return profiles.score(profiles.windows([text], vectors, background.nearest(vectors)), target)

    about = min(
        score("Which Serbian-American engineer invented the alternating current motor?"), score("the tower at Wardenclyffe")
    )
    near = max(
        score("Who invented the telephone?"), score("Where did Gustave Eiffel build his tower?"), score("What is a motor?")
    )
    assert about > near


@pytest.mark.slow
def test_what_is_known_goes_with_its_target(bag_of_words: BagOfWords) -> None:
    profiles = ProfileClassifier(bag_of_words)
    target = a_target("ada", "Ada Brillquist", prompts=["quinces"])
    known = weakref.ref(profiles.known(target)[1])
    assert known() is not None
    del target
    gc.collect()
    assert known() is None
