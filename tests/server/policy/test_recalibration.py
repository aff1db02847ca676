"""Calibration beside serving: soon, not in the way of changes, and not for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from classifiers import Example, ForgetTarget, Thresholds
from classifiers.calibration.calibrator import Calibrator
from classifiers.meaning.background import Background
from classifiers.profile.classifier import ProfileClassifier
from server.policy import recalibration as module
from server.policy.recalibration import Recalibration
from tests.server.fakes import WordEncoder


class Enforced:
    """What of an `Enforcement` is asked for here."""

    def __init__(self) -> None:
        self.limits: list[Mapping[str, float]] = []
        self.has([])

    def has(self, numbers: list[int]) -> None:
        self.snapshot: Any = SimpleNamespace(targets={f"t{number}": target(number) for number in numbers})

    async def limit(self, limits: Mapping[str, float], raised: Mapping[str, float]) -> None:
        self.limits.append(limits)


def target(number: int) -> ForgetTarget:
    examples = [Example(prompt=f"what happened in place{number} during year{number}", completion="-")]
    return ForgetTarget(id=f"t{number}", name=f"Person Number{number}", examples=examples)


@pytest.fixture
def updates(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The targets of every calibration, as they are made."""
    made: list[list[str]] = []
    update = Calibrator.update

    def noted(self: Calibrator, targets: list[ForgetTarget], *others: Any) -> Any:
        made.append([one.id for one in targets])
        return update(self, targets, *others)

    monkeypatch.setattr(Calibrator, "update", noted)
    return made


def recalibration() -> Recalibration:
    encoder = WordEncoder()
    background = Background(["How do I bake bread?"], encoder)
    return Recalibration(encoder, 0.1, Thresholds(), background, ProfileClassifier(encoder))


@pytest.mark.slow
async def test_it_waits_until_the_list_rests_but_not_for_ever(updates: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    # The module's clock alone: a server that runs beside this test goes by the real one.
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
    enforced, calibrating = Enforced(), recalibration()
    enforced.has([1])
    await calibrating.run_once(enforced)  # type: ignore[arg-type]
    assert updates == [["t1"]]
    assert enforced.limits[-1].keys() == {"t1"}
    for number in range(2, 20):  # a change every four seconds
        enforced.has(list(range(number)))
        await calibrating.run_once(enforced)  # type: ignore[arg-type]
        now += 4
    assert len(updates) == 2
    now += 1
    await calibrating.run_once(enforced)  # type: ignore[arg-type]
    assert len(updates) == 3
    assert enforced.limits[-1].keys() == enforced.snapshot.targets.keys()
    await calibrating.run_once(enforced)  # type: ignore[arg-type]
    assert len(updates) == 3


@pytest.mark.slow
async def test_a_sample_that_stays_is_not_calibrated_again(updates: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SAMPLE", 5)
    monkeypatch.setattr(module, "_QUIET_S", 0.0)
    enforced, calibrating = Enforced(), recalibration()
    for count in range(1, 60):
        enforced.has(list(range(count)))
        await calibrating.run_once(enforced)  # type: ignore[arg-type]
        assert enforced.limits[-1].keys() == enforced.snapshot.targets.keys()
    assert all(len(update) <= 5 for update in updates)
    assert 5 <= len(updates) < 30
    for before, after in pairwise(updates):
        assert len(set(before) - set(after)) <= 1
