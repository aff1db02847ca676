"""Shares are counted by hand on a small data set, and what is measured is the served classifier."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from classifiers import Classifier, Encoder, ForgetTarget, Match, Screened
from classifiers.meaning.background import Background
from evaluation.detection import measure as module
from evaluation.detection import sets
from evaluation.detection.attacks import ATTACKS
from evaluation.detection.measure import (
    ALPHAS,
    FULL,
    Effort,
    Tofu,
    alarms,
    on_shipped,
    promised,
    recall,
    side_by_side,
    under_attack,
    without_operator,
)
from evaluation.detection.served import Remembering, Served
from evaluation.detection.sets import Forget, Innocent, question
from tests.classifiers.conftest import BagOfWords


class Finds:
    """Finds target "a" in texts with an "a", and "b" in texts with a "b"."""

    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        return [[Match(name, 1.0, "x", "x") for name in "ab" if name in text.text] for text in texts]


def test_recall_is_of_the_very_target_and_alarms_are_of_any() -> None:
    asked = [question("a", "a"), question("b", "a"), question("ab", "b"), question("x", "a")] * 40  # more than one chunk
    assert recall(Finds(), asked) == 0.5
    assert alarms(Finds(), asked) == 0.75


class Doubts:
    """Is certain of target "a" in texts with an "a", and in doubt about it in all others."""

    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        return [[Match("a", 1.0, "x", "x", certain="a" in text.text)] for text in texts]


def test_what_is_in_doubt_counts_as_not_found() -> None:
    asked = [question("a", "a"), question("x", "a"), question("y", "a"), question("z", "a")]
    assert recall(Doubts(), asked) == alarms(Doubts(), asked) == 0.25


@pytest.fixture
def encoder() -> Remembering:
    return Remembering(BagOfWords(), 1 << 16)


@pytest.fixture
def small(tofu: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Forget, Innocent]:
    """The small data set; two prompts are shipped, so that little is encoded."""
    monkeypatch.setattr(sets, "shipped_background", lambda: ("How do I bake bread?", "Who is Ada Brill?"))
    return Forget("forget10"), Innocent.load()


@pytest.mark.slow
def test_side_by_side_measures_what_is_served(
    small: tuple[Forget, Innocent], encoder: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_rival(targets: Sequence[ForgetTarget], background: Sequence[str], encoder: Encoder) -> dict[str, Classifier]:
        return {"rival": Finds()}

    monkeypatch.setattr(module, "rivals", one_rival)
    forget, innocent = small
    served = Served(Background(innocent.background, encoder), encoder)
    found = side_by_side(forget, innocent, encoder, served, FULL)
    assert list(found) == ["guard-server", "guard-server, not calibrated", "rival"]
    for name, classifier in (
        ("guard-server", served.calibrated(forget.targets)),
        ("guard-server, not calibrated", served.uncalibrated(forget.targets)),
    ):
        asked = {"original": forget.original(), "paraphrased": forget.paraphrased(), "hand-written": forget.written()}
        asked |= forget.languages()
        assert found[name]["recall"] == {kind: recall(classifier, texts) for kind, texts in asked.items()}
        assert found[name]["false_alarms"]["retain"] == alarms(classifier, innocent.asked["retain"])
    # One of the two halves names a target.
    assert found["guard-server"]["false_alarms"]["background"] == 0.5
    assert found["rival"]["recall"]["original"] == 0


@pytest.mark.slow
def test_every_attack_is_measured(small: tuple[Forget, Innocent], encoder: Remembering, monkeypatch: pytest.MonkeyPatch) -> None:
    forget, innocent = small
    served = Served(Background(innocent.background, encoder), encoder)
    monkeypatch.setattr(module, "ATTACKS", {name: ATTACKS[name] for name in ("plain", "all_caps", "reverse_blank")})
    found = under_attack(forget, served, FULL)
    assert found["plain"] == found["all_caps"] == recall(served.calibrated(forget.targets), forget.paraphrased()) == 1.0
    assert found["reverse_blank"] < 1
    assert list(under_attack(forget, served, Effort(ways=2))) == ["plain", "reverse_blank"]


@pytest.mark.slow
def test_without_the_operators_prompts_only_the_shipped_ones_are_the_background(
    small: tuple[Forget, Innocent], encoder: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    backgrounds: list[list[str]] = []

    class Noted(Background):
        def __init__(self, prompts: Sequence[str], encoder: Encoder) -> None:
            backgrounds.append(list(prompts))
            super().__init__(prompts, encoder)

    monkeypatch.setattr(module, "Background", Noted)
    forget, innocent = small
    found = without_operator(forget, innocent, encoder)
    assert found.keys() == innocent.asked.keys()
    assert backgrounds == [innocent.shipped]
    served = Served(Background(innocent.shipped, encoder), encoder)
    assert on_shipped(forget.targets, innocent, encoder, served, FULL, operator=False) == 0.5
    assert sorted(len(texts) for texts in backgrounds[1:]) == [1, 1]
    on_shipped(forget.targets, innocent, encoder, served, FULL)
    assert min(len(texts) for texts in backgrounds[3:]) > 1


@pytest.mark.slow
def test_figures_are_of_each_set_and_attacks_of_the_largest(
    small: tuple[Forget, Innocent], encoder: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "rivals", lambda *_: {})
    effort = Effort(authors=1, asked=10, ways=20, sets=("forget01", "forget10"), splits=1)
    tofu = Tofu(encoder, small[1], effort)
    found = tofu.figures()
    assert found["side_by_side"].keys() == {"forget01", "forget10"}
    assert found["without_operator"].keys() == small[1].asked.keys()
    assert len(found["promised"]) == 2 * len(ALPHAS)
    assert list(tofu.attacks()) == list(ATTACKS)[::20]


def test_the_promised_miss_rate(small: tuple[Forget, Innocent], encoder: Remembering) -> None:
    found = promised(*small, encoder, FULL)
    assert len(found) == 2 * len(ALPHAS)
    for key, one in found.items():
        assert one["max"] == max(one["missed"])
        assert min(one["missed"]) <= one["mean"] <= one["max"]
        assert all(limit <= 0 for limit in one["limits"])
        if key.startswith("with names"):
            assert one["max"] == 0  # each question names its author
    # Of twenty texts no limit can promise one in a hundred; one in ten can be.
    assert set(found["without names, alpha 0.01"]["limits"]) == {0.0}
    assert found["without names, alpha 0.1"]["mean"] <= 0.2
