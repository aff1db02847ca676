from __future__ import annotations

import math

import pytest

from classifiers import AliasClassifier, Classifier, Match, Screened
from classifiers.protocol import best_matches
from tests.classifiers.conftest import STRANGE


def test_best_of_nothing() -> None:
    assert best_matches([]) == []


def test_best_matches_one_a_target_best_first_then_by_id() -> None:
    matches = [Match("b", 0.5, "x", "c"), Match("a", 0.5, "x", "c"), Match("b", 0.9, "y", "c"), Match("c", 0.9, "z", "c")]
    assert [(m.target_id, m.score) for m in best_matches(matches)] == [("b", 0.9), ("c", 0.9), ("a", 0.5)]


def test_of_equal_matches_the_first_stays() -> None:
    assert best_matches([Match("a", 1.0, "alias", "x"), Match("a", 1.0, "nearest", "y")])[0].evidence == "alias"


@pytest.mark.parametrize("score", [-0.01, 1.01, math.nan, math.inf])
def test_scores_outside_0_to_1(score: float) -> None:
    with pytest.raises(ValueError, match="score"):
        Match("a", score, "x", "c")


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
def test_screened_takes_any_text(text: str) -> None:
    screened = Screened.of(text)
    assert screened.text == text
    assert bool(screened.windows) == bool(text.strip())


def test_screened_does_not_show_its_text() -> None:
    assert repr(Screened.of("my secret words")) == "Screened(15 characters, 1 windows)"


def test_protocol() -> None:
    assert isinstance(AliasClassifier([]), Classifier)
