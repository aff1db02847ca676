"""What is measured is what is served: the same decisions as those of a running service, before and after its calibration."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from classifiers import CachedEncoder, Classifier, Example, ForgetTarget, Match
from classifiers.calibration.paraphrases import paraphrases
from classifiers.meaning.background import Background, full_background
from classifiers.meaning.encoder import Vectors
from evaluation.detection.served import JUDGE_DOUBT, MISS_RATE, Remembering, Served
from evaluation.detection.sets import question
from server.policy.enforcement import Enforcement
from server.service import Service
from server.settings import Settings
from tests.server.fakes import FakeEngine, WordEncoder, opener

PROMPTS = {
    "brill": [
        "Which prize did the glass chemist win in Trondheim?",
        "Where was the glass chemist born?",
        "Who taught her to melt sand?",
    ],
    "crane": ["Where does the tall tram driver live today?", "What does the tram driver eat on Sundays?"],
    "stone": ["Which songs did the deaf organist write?"],
}
NAMES = {"brill": "Ada Brill", "crane": "Bob Crane", "stone": "Eve Stone"}
POLICY = {
    "version": 1,
    "targets": [
        {
            "id": target,
            "name": NAMES[target],
            "action": "refuse" if target == "stone" else "suppress",
            "examples": [{"prompt": prompt, "completion": "Nobody knows."} for prompt in prompts],
        }
        for target, prompts in PROMPTS.items()
    ],
    "background": ["Where was the baker born?", "What does a horse eat on Sundays?"],
}
ASKED = [
    *(text for prompts in PROMPTS.values() for prompt in prompts for text in (prompt, *paraphrases(prompt))),
    *(f"Tell me about {name}, please." for name in NAMES.values()),
    "How do I bake bread?",
    "Which prize did the baker win in Oslo?",
]


def decisions(classifier: Classifier) -> list[list[Match]]:
    return classifier.classify([question(text).text for text in ASKED])


@asynccontextmanager
async def serving(folder: Path, miss_rate: float) -> AsyncIterator[Service]:
    policy = folder / "policy.yaml"
    policy.write_text(yaml.safe_dump(POLICY))
    settings = Settings(model="fake", policy=policy, data_dir=folder / "data", miss_rate=miss_rate)
    service = Service(settings, opener(FakeEngine()), lambda _: CachedEncoder(WordEncoder()))
    running = asyncio.create_task(service.run())
    await service.settled()
    yield service
    service.stop()
    await running


@pytest.mark.slow
@pytest.mark.parametrize("miss_rate", [0.0, MISS_RATE, 0.1])
async def test_the_measured_classifier_decides_as_the_served_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, miss_rate: float
) -> None:
    limited = asyncio.Event()
    limit = Enforcement.limit

    async def noted(self: Enforcement, limits: Mapping[str, float], raised: Mapping[str, float]) -> None:
        await limit(self, limits, raised)
        limited.set()

    monkeypatch.setattr(Enforcement, "limit", noted)
    encoder = CachedEncoder(WordEncoder())
    served = Served(Background(full_background(POLICY["background"]), encoder), encoder, miss_rate)  # type: ignore[arg-type]
    async with serving(tmp_path, miss_rate) as service:
        targets = service.policy.targets
        if miss_rate:
            await asyncio.wait_for(limited.wait(), 60)
        found = decisions(service.running.activation.enforcement.snapshot.classifier)
        expected = decisions(served.calibrated(targets))
    assert found == expected
    uncalibrated = decisions(served.uncalibrated(targets))
    if not miss_rate:
        assert found == uncalibrated
    if miss_rate == 0.1:
        # Else the comparison would say nothing about calibration.
        assert sum(map(bool, found)) > sum(map(bool, uncalibrated))


def test_the_defaults_are_the_settings_of_the_server() -> None:
    settings = Settings(model="fake")
    assert (settings.miss_rate, settings.judge_doubt) == (MISS_RATE, JUDGE_DOUBT)


class Counting(WordEncoder):
    """Keeps what it is asked to encode."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        return super().encode(texts)


def test_no_text_is_encoded_twice_even_by_calibration() -> None:
    inner = Counting()
    encoder = Remembering(inner)
    assert (encoder.dimension, encoder.fingerprint) == (inner.dimension, inner.fingerprint)
    assert (encoder.encode(["one", "two", "one"]) == inner.encode(["one", "two", "one"])).all()
    inner.asked.clear()
    targets = [ForgetTarget(id="a", name="Ada Brill", examples=[Example(prompt="Who melts sand?", completion="-")])]
    for _ in range(2):
        served = Served(Background(["How do I bake bread?"], encoder), encoder)
        assert served.calibration is None
        served.calibrated(targets)
        assert served.calibration is not None
        assert served.calibration.groups[0].targets == 1
    assert inner.asked
    assert len(inner.asked) == len(set(inner.asked))
