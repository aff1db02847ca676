"""What is foretold of a target: the figure of the calibration, no trace, and never a failure."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest

from classifiers import Example, ForgetTarget, Thresholds
from classifiers.calibration.calibrator import Calibrator
from classifiers.meaning.background import Background
from classifiers.meaning.encoder import EncoderError, Vectors
from classifiers.profile.classifier import ProfileClassifier
from server.policy.hints import foretold
from server.policy.hints.foretold import Foretelling
from tests.server.fakes import WordEncoder

TOLD = [
    ("Where was Ada Brill born?", "She was born in Trondheim beside the lighthouse."),
    ("Which prize did Ada Brill win?", "She won the Quill prize for glass chemistry."),
    ("What do the parents of Ada Brill do?", "They repair violins and keep bees."),
]


class Failing(WordEncoder):
    """An encoder that fails once `fails` is set."""

    fails = False

    def encode(self, texts: Sequence[str]) -> Vectors:
        if self.fails:
            raise EncoderError("out of order")
        return super().encode(texts)


def target(examples: int, documents: Sequence[str] = ()) -> ForgetTarget:
    told = [Example(prompt=TOLD[n % 3][0] + " x" * (n // 3), completion=TOLD[n % 3][1]) for n in range(examples)]
    return ForgetTarget(id="ada", name="Ada Brill", examples=told, documents=list(documents))


@pytest.fixture(scope="module")
def encoder() -> Failing:
    return Failing()


@pytest.fixture(scope="module")
def parts(encoder: Failing) -> tuple[Background, ProfileClassifier]:
    return Background(["How do I bake bread?", "Which prize did the baker win?"], encoder), ProfileClassifier(encoder)


def foretelling(encoder: Failing, parts: tuple[Background, ProfileClassifier], miss_rate: float = 0.01) -> Foretelling:
    return Foretelling(encoder, miss_rate, Thresholds(), *parts)


@pytest.mark.slow
async def test_the_figure_is_that_of_the_calibration(encoder: Failing, parts: tuple[Background, ProfileClassifier]) -> None:
    background, profiles = parts
    full = Calibrator(encoder, 0.01, Thresholds(), profiles=profiles).update([target(3)], background).targets["ada"]
    assert full.missed
    assert foretelling(encoder, parts).missed(target(3)) == full.missed
    [warning] = await foretelling(encoder, parts).warnings(target(3))
    assert warning.startswith("detection: with these 3 examples")
    assert await foretelling(encoder, parts, full.missed).warnings(target(3)) == []


@pytest.mark.slow
async def test_nothing_of_the_target_is_kept(encoder: Failing, parts: tuple[Background, ProfileClassifier]) -> None:
    kept = len(parts[1]._known)
    await foretelling(encoder, parts).warnings(target(2))
    assert len(parts[1]._known) == kept


async def test_nothing_is_foretold_without_calibration_and_of_none_or_many_examples(
    encoder: Failing, parts: tuple[Background, ProfileClassifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Foretelling, "missed", lambda *_: 0.5)
    assert await foretelling(encoder, parts, 0).warnings(target(2)) == []
    assert [bool(await foretelling(encoder, parts).warnings(target(count))) for count in (0, 1, 20, 21)] == [
        False,
        True,
        True,
        False,
    ]
    assert await foretelling(encoder, parts).warnings(target(2, ["x" * 50_000])) == []


async def test_one_example_is_not_computed_at_all(encoder: Failing, parts: tuple[Background, ProfileClassifier]) -> None:
    encoder.fails = True
    try:
        [warning] = await foretelling(encoder, parts).warnings(target(1))
    finally:
        encoder.fails = False
    assert "cannot be estimated from one example" in warning


async def test_a_failure_is_logged_without_texts(
    encoder: Failing, parts: tuple[Background, ProfileClassifier], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    encoder.fails = True
    try:
        assert await foretelling(encoder, parts).warnings(target(2)) == []
    finally:
        encoder.fails = False
    assert "EncoderError" in caplog.text
    assert "Ada" not in caplog.text


async def test_a_request_does_not_wait_for_many_others(
    encoder: Failing, parts: tuple[Background, ProfileClassifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foretold, "_TURN_S", 0.01)
    one = foretelling(encoder, parts)
    await one._turn.acquire()
    assert await asyncio.wait_for(one.warnings(target(2)), 5) == []
    one._turn.release()
    monkeypatch.setattr(Foretelling, "missed", lambda *_: 0.5)
    assert await one.warnings(target(2))
