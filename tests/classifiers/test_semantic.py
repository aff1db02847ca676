"""Anchors and their thresholds."""

from __future__ import annotations

import math

import pytest

from classifiers.semantic import MAX_WORD, SemanticSpec, check_thresholds, exempt, folded_anchor
from guard.errors import PhraseError


@pytest.mark.parametrize("word", ["the", "whether", "ab", "1949", "b12", "x" * (MAX_WORD + 1), "", "½rd"])
def test_stop_words_numbers_and_short_and_long_words_are_exempt(word: str) -> None:
    assert exempt(word)


@pytest.mark.parametrize("word", ["wizard", "tea", "ökonom", "маг ".strip(), "x" * MAX_WORD])
def test_other_words_are_not(word: str) -> None:
    assert not exempt(word)


def test_an_anchor_is_folded_and_has_a_word_that_can_be_compared() -> None:
    assert folded_anchor("Théorie  of RELATIVITY!") == "theorie of relativity"
    assert folded_anchor("Dr. Watson") == "dr watson"
    for word in ("their", "1949", "of the", "!"):
        with pytest.raises(PhraseError, match="choose another word"):
            folded_anchor(word)


@pytest.mark.parametrize(
    ("delta", "floor", "weight"),
    [(1.0, 0.5, 5), (0.5, 0.5, 5), (0.4, 0.5, 5), (0.5, -0.1, 5), (0.6, 0.5, 0), (0.6, 0.5, math.inf)],
)
def test_thresholds_must_be_in_order(delta: float, floor: float, weight: float) -> None:
    with pytest.raises(PhraseError):
        check_thresholds(delta, floor, weight)


@pytest.mark.parametrize(("delta", "floor"), [(math.nan, 0.5), (0.6, math.nan)])
def test_thresholds_must_be_numbers(delta: float, floor: float) -> None:
    with pytest.raises(PhraseError, match="thresholds"):
        check_thresholds(delta, floor, 5)


def test_the_penalty_grows_from_floor_to_delta() -> None:
    spec = SemanticSpec(words=["wizard"], delta=0.7, floor=0.5, weight=4)
    assert [spec.penalty(cosine) for cosine in (0.2, 0.5, 0.7, 1.0)] == [0, 0, math.inf, math.inf]
    assert spec.penalty(0.6) == pytest.approx(2)


def test_what_is_written_is_read_back() -> None:
    for spec in (SemanticSpec(), SemanticSpec(words=["wizard"], allow=["potter"]), SemanticSpec(delta=0.8)):
        assert SemanticSpec.model_validate(spec.model_dump(mode="json")) == spec
    assert SemanticSpec().model_dump() == {}
    assert SemanticSpec(words=["wizard"]).model_dump() == {"words": ["wizard"], "delta": 0.62, "floor": 0.55, "weight": 5.0}
