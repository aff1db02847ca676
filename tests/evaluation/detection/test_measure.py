"""Shares are counted by hand on a small data set, and what is measured is the served classifier."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from classifiers import CachedEncoder, Classifier, Encoder, ForgetTarget, Match, Screened
from classifiers.meaning.background import Background
from evaluation.detection import measure as module
from evaluation.detection import sets
from evaluation.detection.attacks import ATTACKS
from evaluation.detection.measure import ALPHAS, FULL, Effort, alarms, promised, recall, side_by_side, under_attack
from evaluation.detection.served import Served
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


@pytest.fixture
def encoder() -> CachedEncoder:
    return CachedEncoder(BagOfWords(), 1 << 16)


@pytest.fixture
def small(tofu: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Forget, Innocent]:
    """The small data set; two prompts are shipped, so that little is encoded."""
    monkeypatch.setattr(sets, "shipped_background", lambda: ("How do I bake bread?", "Who is Ada Brill?"))
    return Forget("forget10"), Innocent.load()


@pytest.mark.slow
def test_side_by_side_measures_what_is_served(
    small: tuple[Forget, Innocent], encoder: CachedEncoder, monkeypatch: pytest.MonkeyPatch
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
def test_every_attack_is_measured(
    small: tuple[Forget, Innocent], encoder: CachedEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget, innocent = small
    served = Served(Background(innocent.background, encoder), encoder)
    monkeypatch.setattr(module, "ATTACKS", {name: ATTACKS[name] for name in ("plain", "all_caps", "reverse_blank")})
    found = under_attack(forget, served, FULL)
    assert found["plain"] == found["all_caps"] == recall(served.calibrated(forget.targets), forget.paraphrased()) == 1.0
    assert found["reverse_blank"] < 1
    assert list(under_attack(forget, served, Effort(ways=2))) == ["plain", "reverse_blank"]


def test_the_promised_miss_rate(small: tuple[Forget, Innocent], encoder: CachedEncoder) -> None:
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
