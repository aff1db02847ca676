from __future__ import annotations

import numpy as np
import pytest

from classifiers import CachedEncoder, shipped_background
from classifiers.calibration.paraphrases import paraphrases
from classifiers.head import classifier as module
from classifiers.head.classifier import HeadClassifier
from classifiers.head.weights import HeadWeights
from tests.classifiers.conftest import STRANGE, BagOfWords, a_target, screened

ADA = a_target("ada", "Ada Brill", prompts=["which prize did the glass chemist win", "where was the glass chemist born"])
BOB = a_target("bob", "Bob Crane", prompts=["where does the tall tram driver live today", "what does the tram driver eat"])
KEPT = [
    "where was the baker born",
    "how do planes fly",
    "which prize did the baker win",
    "what does a horse eat",
    "tell me a joke",
]


def ids(classifier: HeadClassifier, *texts: str) -> list[list[str]]:
    return [[match.target_id for match in matches] for matches in classifier.classify(screened(*texts))]


def same(one: HeadWeights | None, other: HeadWeights | None) -> bool:
    assert one is not None
    assert other is not None
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("hidden", "hidden_bias", "out", "out_bias"))


@pytest.fixture(scope="module")
def trained() -> HeadClassifier:
    return HeadClassifier([ADA, BOB], KEPT, BagOfWords())


@pytest.mark.slow
def test_it_learns(trained: HeadClassifier) -> None:
    asked = [paraphrases(target.examples[1].prompt)[7] for target in (ADA, BOB)]  # it was trained with the first few
    assert ids(trained, "where was the glass chemist born", *asked) == [["ada"], ["ada"], ["bob"]]
    assert ids(trained, *KEPT, "Could you tell me where the baker was born?") == [[]] * (len(KEPT) + 1)


def test_matches_are_where_the_probability_reaches_the_threshold(trained: HeadClassifier) -> None:
    texts = screened("where was the glass chemist born", "which prize did the baker win", "", "the glass baker was born where")
    probabilities = trained.probabilities(texts)
    assert probabilities[2] == 0
    matches = trained.classify(texts)
    assert [bool(found) for found in matches] == [probability >= trained.threshold for probability in probabilities]
    assert matches[0][0].score == pytest.approx(float(probabilities[0]))
    assert set(matches[0][0].evidence.removeprefix("head:")) <= set("0123456789.-")


@pytest.mark.slow
def test_the_same_arguments_give_the_same_head(trained: HeadClassifier) -> None:
    assert same(HeadClassifier([ADA, BOB], KEPT, BagOfWords()).weights, trained.weights)
    assert not same(HeadClassifier([ADA, BOB], KEPT, BagOfWords(), seed=1).weights, trained.weights)


def test_without_examples_nothing_is_encoded(bag_of_words: BagOfWords) -> None:
    classifier = HeadClassifier([a_target("bare")], [], bag_of_words)
    assert classifier.weights is None
    assert classifier.classify(screened(*STRANGE.values())) == [[]] * len(STRANGE)
    assert not any(bag_of_words.calls)


def test_without_a_background_there_is_nothing_to_tell_apart(bag_of_words: BagOfWords) -> None:
    for background in ([], ["Where was the glass chemist born?"]):
        with pytest.raises(ValueError, match="background"):
            HeadClassifier([ADA], background, bag_of_words)


@pytest.mark.parametrize("name", STRANGE)
def test_strange_texts(trained: HeadClassifier, name: str) -> None:
    [matches] = trained.classify(screened(STRANGE[name]))
    assert matches == []


@pytest.mark.slow
def test_an_example_in_the_background_is_found() -> None:
    eve = a_target("eve", prompts=["Tell me a joke!"])
    assert ids(HeadClassifier([ADA, eve], KEPT, BagOfWords()), "tell me a joke") == [["eve"]]


@pytest.mark.slow
def test_no_more_texts_than_agreed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 12)
    encoder = BagOfWords()
    eve = a_target("eve", prompts=["how tall is the giraffe"])
    assert ids(HeadClassifier([ADA, BOB, eve], KEPT, encoder), "how tall is the giraffe") == [["eve"]]
    examples, positives, negatives, _ = map(len, encoder.calls)
    assert (examples, positives, negatives) == (5, 12, 12)


@pytest.mark.slow
def test_with_the_real_encoder(cached_encoder: CachedEncoder) -> None:
    target = a_target(
        "ada",
        "Ada Brill",
        prompts=["Which chemist from Trondheim grew an orchard made of glass?", "Who taught glass blowing to the Brill family?"],
    )
    background = shipped_background()[:60]
    classifier = HeadClassifier([target], background, cached_encoder)
    asked = "What is the name of the Trondheim chemist that grew a glass orchard?"
    assert ids(classifier, asked, *background[:5]) == [["ada"], *[[]] * 5]
