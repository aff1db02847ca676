"""Fitting the weights of the multilingual classifier: which rows there are, and what is packaged."""

from __future__ import annotations

import pytest

from classifiers.multilingual.classifier import NAMES, Multilingual
from evaluation.detection.few import load
from evaluation.detection.fit import NONE
from evaluation.detection.fit_multilingual import rows, weighed
from tests.classifiers.conftest import BagOfWords


@pytest.mark.slow
def test_rows_are_of_foreign_prompts_that_the_name_does_not_decide() -> None:
    subjects = load("works", "dev")[:2]
    found = rows(subjects, Multilingual(BagOfWords(), ["how do planes fly"], model=NONE), (1,))
    assert {row.kind for row in found} == {"about", "neighbour", "other", "background"}
    assert {row.features.shape for row in found} == {(len(NAMES),)}
    kinds = [row.kind for row in found]
    assert kinds.count("neighbour") <= sum(len(one.foreign) for one in subjects)
    assert 0 < kinds.count("about") < sum(len(one.about()) for one in subjects)
    values, _ = weighed(found)
    assert tuple(values) == NAMES
