"""Scores of targets: what the calibration of a group, and of a target by itself, is computed from."""

from __future__ import annotations

import numpy as np

from classifiers import Example, ForgetTarget, Thresholds
from classifiers.calibration.scoring import Patient, Scorer
from classifiers.meaning.background import Background
from classifiers.profile.classifier import ProfileClassifier
from classifiers.profile.lexicon import MOST_EXAMPLES
from tests.classifiers.conftest import BagOfWords, a_target

KEPT = ["where was the baker born", "how do planes fly"]
ADA = ForgetTarget(
    id="ada",
    name="Ada Brillquist",
    examples=[
        Example(prompt="Which orchard did Ada Brillquist plant?", completion="The glass orchard of Vesterholm."),
        Example(prompt="What grows in the glass orchard of Vesterholm?", completion="Quinces and medlars."),
    ],
)


def scorer(encoder: BagOfWords, profiles: bool = True, names: bool = True) -> Scorer:
    return Scorer(encoder, Thresholds(), 40, names, ProfileClassifier(encoder) if profiles else None)


def test_a_text_that_names_the_target_scores_infinity(bag_of_words: BagOfWords) -> None:
    innocent = Background(KEPT, bag_of_words)
    scores = scorer(bag_of_words).scored(ADA, ["Tell me about Ada Brillquist!"], innocent)
    assert scores.asked.tolist() == [np.inf]
    assert np.isfinite(scorer(bag_of_words, names=False).scored(ADA, ["Tell me about Ada Brillquist!"], innocent).asked).all()


def test_examples_are_held_out_in_turn(bag_of_words: BagOfWords) -> None:
    scores = scorer(bag_of_words).scored(ADA, [], Background(KEPT, bag_of_words))
    assert len(scores.held_out) == 2
    assert len(scores.reach) == len(KEPT)
    # "What grows in the glass orchard of Vesterholm" shares words with the answer of the other example.
    assert scores.told.shape[1] == 2
    assert len(scores.told) >= 1


def test_negatives_are_scored_both_ways(bag_of_words: BagOfWords) -> None:
    scores = scorer(bag_of_words).scored(ADA, [], Background(KEPT, bag_of_words))
    assert len(scores.negatives) == len(scores.described) > 20
    without = scorer(bag_of_words, profiles=False).scored(ADA, [], Background(KEPT, bag_of_words))
    assert len(without.negatives) == len(without.described) == len(without.told) == 0


def test_a_target_with_many_examples_has_no_negatives(bag_of_words: BagOfWords) -> None:
    many = a_target(
        "many", "Ada Brillquist", prompts=[f"Which orchard number {n} is of glass?" for n in range(MOST_EXAMPLES + 1)]
    )
    scores = scorer(bag_of_words).scored(many, [], Background(KEPT, bag_of_words))
    assert len(scores.negatives) == len(scores.told) == 0


def test_alone_is_a_part_of_the_whole(bag_of_words: BagOfWords) -> None:
    innocent = Background(KEPT, bag_of_words)
    whole, alone = scorer(bag_of_words).scored(ADA, [], innocent), scorer(bag_of_words).alone(ADA, innocent)
    for name in ("negatives", "described", "told"):
        np.testing.assert_allclose(getattr(alone, name), getattr(whole, name), atol=1e-6)
    assert len(alone.paraphrases) == len(alone.reach) == 0


def test_a_patient_encoder_keeps_the_order(bag_of_words: BagOfWords) -> None:
    texts = [f"{'long ' * (n % 7)}text {n}" for n in range(100)]
    np.testing.assert_array_equal(Patient(bag_of_words).encode(texts), bag_of_words.encode(texts))
