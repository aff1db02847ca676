from __future__ import annotations

from functools import cache

import pytest

from classifiers import Classifier, Screened
from evaluation.detection.rivals import LogisticRegressionClassifier, rivals
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


@cache
def classifiers() -> dict[str, Classifier]:
    return rivals([ADA, BOB], KEPT, BagOfWords())


def found(name: str, *texts: str) -> list[list[str]]:
    classifier = classifiers()[name]
    return [[match.target_id for match in matches] for matches in classifier.classify(screened(*texts))]


@pytest.mark.slow
def test_names_alone() -> None:
    assert found("alias only", "who is ada brill", "where was the glass chemist born") == [["ada"], []]


@pytest.mark.parametrize("name", ["nearest only", "head only (GUARD)", "cosine 0.8 (CURaTE)", "logistic regression"])
def test_examples_are_found_and_innocent_prompts_are_not(name: str) -> None:
    assert found(name, "where was the glass chemist born", "what does the tram driver eat", "tell me a joke") == [
        ["ada"],
        ["bob"],
        [],
    ]


def test_a_threshold_alone_has_no_margin() -> None:
    text = "where was the glass baker born"  # five of six words of an example, five of six of a background prompt
    assert found("cosine 0.8 (CURaTE)", text) == [["ada"]]
    assert found("nearest only", text) == [[]]


def test_logistic_regression_takes_any_text() -> None:
    classifier = LogisticRegressionClassifier([ADA, BOB], KEPT, BagOfWords())
    texts = [text for name, text in STRANGE.items() if "megabyte" not in name]
    assert len(classifier.classify([Screened.of(text) for text in texts])) == len(texts)
    assert classifier.classify(screened("", " ")) == [[], []]
    [[match]] = classifier.classify(screened("where was the glass chemist born"))
    assert 0 < match.score <= 1
