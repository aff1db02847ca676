"""A long request does not hold up a short one, and is decided as if it were alone."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from classifiers import CachedEncoder, Match, Screened, SentenceEncoder
from classifiers.live import LiveClassifier
from classifiers.pauses import pause
from evaluation.demo import POLICY
from server.errors import GuardFailure
from server.metrics import Metrics
from server.policy.file import load_policy
from server.screening.conversation import Text
from server.screening.lanes import LONG, Lanes
from server.screening.screener import Screener, no_readings, screened
from server.screening.snapshot import PolicySnapshot

FILLER = "The harbour was quiet that morning, and nobody spoke of anything but the weather. "


class Waits:
    """Finds nothing; with a long text not before it may."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.begun = threading.Event()
        self.seen: list[int] = []

    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        self.seen += [len(text.text) for text in texts]
        if len(texts[0].text) >= LONG:
            self.begun.set()
            assert self.may.wait(10)
        return [[] for _ in texts]


@pytest.fixture
def lanes() -> Iterator[Lanes]:
    with Lanes() as lanes:
        yield lanes


def screener(classifier: Any, lanes: Lanes, targets: Any = None) -> Screener:
    return Screener(PolicySnapshot(1, targets or {}, (), {}, classifier), lanes, Metrics(), no_readings)


def user(text: str) -> list[Text]:
    return [Text(text, "messages[0].content", 0, "user")]


async def test_short_requests_pass_long_ones(lanes: Lanes) -> None:
    classifier = Waits()
    decides = screener(classifier, lanes)
    long = [asyncio.create_task(decides.decide(user("x" * (LONG + n)))) for n in range(5)]
    await asyncio.to_thread(classifier.begun.wait, 10)
    for _ in range(3):
        assert (await asyncio.wait_for(decides.decide(user("short")), 5)).verdict == "allow"
    assert not any(task.done() for task in long)
    classifier.may.set()
    assert [decision.verdict for decision in await asyncio.gather(*long)] == ["allow"] * 5


async def test_a_long_request_whose_client_leaves_while_it_waits_does_not_run(lanes: Lanes) -> None:
    classifier = Waits()
    decides = screener(classifier, lanes)
    long = [asyncio.create_task(decides.decide(user("x" * (LONG + n)))) for n in range(6)]
    await asyncio.to_thread(classifier.begun.wait, 10)
    await asyncio.sleep(0.05)
    begun = set(classifier.seen)
    for task in long[-3:]:
        task.cancel()
    await asyncio.sleep(0)
    classifier.may.set()
    await asyncio.gather(*long, return_exceptions=True)
    assert begun.isdisjoint({LONG + 3, LONG + 4, LONG + 5})
    assert sorted(classifier.seen) == [LONG, LONG + 1, LONG + 2]


async def test_what_fails_in_either_lane_is_a_guard_failure(lanes: Lanes) -> None:
    class Broken:
        def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
            raise RuntimeError

    for length in (1, LONG):
        with pytest.raises(GuardFailure):
            await screener(Broken(), lanes).decide(user("x" * length))


@pytest.mark.slow
async def test_a_long_request_is_decided_as_in_one_go(lanes: Lanes) -> None:
    encoder = SentenceEncoder()
    targets = load_policy(Path(POLICY)).targets
    asked = ["Where did Yrsa Tholmundardal study?", "Which glaciologist was born in Siglufjörður during a storm?", "Who swam?"]
    texts = [FILLER * 40 + question + " " + FILLER * 40 for question in asked]
    # In one go: nothing else is encoded, and nothing known before.
    alone = LiveClassifier(targets, [], encoder)
    expected = [alone.classify([screened(user(text))])[0] for text in texts]
    decides = screener(LiveClassifier(targets, [], CachedEncoder(encoder)), lanes, {target.id: target for target in targets})
    shorts = [decides.decide(user(f"{question} ({n})")) for n in range(10) for question in asked]
    found = await asyncio.gather(*(decides.decide(user(text)) for text in texts), *shorts)
    for decision, matches in zip(found, expected, strict=False):
        assert [(m.target_id, m.classifier) for m in decision.matches] == [(m.target_id, m.classifier) for m in matches]
        assert [m.score for m in decision.matches] == pytest.approx([m.score for m in matches], abs=0.01)
    assert any(expected)


async def test_f2_a_long_request_pauses_for_short_ones(lanes: Lanes) -> None:
    begun, go, pauses = threading.Event(), threading.Event(), list[float]()

    class Pauses:
        def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
            if len(texts[0].text) >= LONG:
                begun.set()
                assert go.wait(10)
                before = time.monotonic()
                pause()
                pauses.append(time.monotonic() - before)
            return [[] for _ in texts]

    long = asyncio.create_task(screener(Pauses(), lanes).decide(user("x" * LONG), client="a"))
    await asyncio.to_thread(begun.wait, 10)
    with lanes.passing():
        go.set()
        # It goes on after a while, though a short one is still there.
        assert (await asyncio.wait_for(long, 10)).verdict == "allow"
    assert 0.04 < pauses[0] < 5
    assert (await screener(Pauses(), lanes).decide(user("x" * LONG), client="a")).verdict == "allow"
    assert pauses[1] < pauses[0]


def test_the_interpreter_s_interval_is_put_back() -> None:
    # A server that runs beside this test has lanes of its own, which have set the interval already.
    before = sys.getswitchinterval()
    try:
        sys.setswitchinterval(0.01)
        with Lanes():
            assert sys.getswitchinterval() < 0.01
        assert sys.getswitchinterval() == 0.01
    finally:
        sys.setswitchinterval(before)
