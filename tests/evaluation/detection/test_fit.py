"""Fitting the weights of profiles: which rows there are, and that the model tells them apart."""

from __future__ import annotations

import json

import numpy as np
import pytest

from classifiers.multilingual.classifier import Multilingual
from classifiers.multilingual.second import NAMES as SECOND_NAMES
from classifiers.profile.features import NAMES
from classifiers.profile.weights import Weights
from evaluation.detection.few import load
from evaluation.detection.fit import NONE, PACKAGED, fitted, prompts_of, rows
from tests.classifiers.conftest import BagOfWords


def test_each_kind_of_prompt_is_there() -> None:
    subject = load("persons", "dev")[0]
    kinds = [kind for kind, _ in prompts_of(subject, subject.target(1), ["Who is somebody else?"], ["Isaac Newton"])]
    assert set(kinds) == {"about", "neighbour", "made", "other", "background"}
    assert kinds.count("about") == len(subject.named) + len(subject.described)
    assert kinds.count("neighbour") == len(subject.neighbours)


@pytest.mark.slow
def test_rows_are_features_of_prompts_that_the_name_does_not_decide() -> None:
    second = Multilingual(BagOfWords(), ["how do planes fly"], model=NONE)
    found = rows(load("works", "dev")[:2], BagOfWords(), second, (1,))
    assert {row.first.shape for row in found} == {(len(NAMES),)}
    assert {row.both.shape for row in found} == {(len(SECOND_NAMES),)}
    named = sum(len(one.named) for one in load("works", "dev")[:2])
    described = sum(len(one.described) for one in load("works", "dev")[:2])
    assert 0 < [row.kind for row in found].count("about") < named + described
    assert any(row.hint for row in found)


def test_weights_tell_apart_what_differs() -> None:
    rng = np.random.default_rng(0)
    kinds = ["about"] * 40 + ["neighbour"] * 40
    found = [rng.normal(size=len(NAMES)).astype(np.float32) + (kind == "about") * 3 * np.eye(len(NAMES))[2] for kind in kinds]
    values, intercept = fitted(found, kinds)
    assert max(values, key=lambda name: values[name]) == NAMES[2]
    scores = [float(row @ np.array(list(values.values()))) + intercept for row in found]
    assert np.mean([(score > 0) == (kind == "about") for score, kind in zip(scores, kinds, strict=True)]) > 0.9


@pytest.mark.parametrize(("name", "names"), [("profile", NAMES), ("second", SECOND_NAMES)])
def test_the_packaged_weights_are_of_these_features(name: str, names: tuple[str, ...]) -> None:
    assert tuple(json.loads((PACKAGED / f"{name}.json").read_text("utf-8"))["weights"]) == names
    assert len(Weights.packaged(name, names).values) == len(names)
