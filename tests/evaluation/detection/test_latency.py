"""Latency is that of reading and classifying, one prompt after the other, beside the vectors that are given."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from classifiers import Match, Screened, SentenceEncoder
from evaluation.detection import latency
from evaluation.detection.latency import TOKENS, measure, times
from tests.classifiers.conftest import BagOfWords


class Slow:
    """Takes ten milliseconds and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        self.asked.append([text.text for text in texts])
        time.sleep(0.01)
        return [[] for _ in texts]


class Counting(BagOfWords):
    """A word is a token."""

    def pieces(self, text: str) -> int:
        return len(text.split())


def test_each_prompt_is_timed_by_itself() -> None:
    slow = Slow()
    taken = times(slow, ["one", "two"])
    assert slow.asked == [["one"], ["two"]]
    assert min(taken) >= 10


@pytest.mark.slow
def test_new_prompts_of_each_length_are_asked(tofu: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Sequence[str]] = []

    def noted(classifier: Any, texts: Sequence[str]) -> list[float]:
        asked.append(texts)
        return [1000.0] * 3 + [1.0, 2.0, 9.0]

    monkeypatch.setattr(latency, "times", noted)
    monkeypatch.setattr(latency, "TOKENS", (8, 16))
    encoder = Counting()
    found = measure(cast("SentenceEncoder", encoder), ["How do I bake bread?"], targets=2, rounds=3)
    assert TOKENS == (32, 512)
    assert (found["targets"], found["examples"] >= 40) == (2, True)
    # The first three are not counted.
    assert found["8"]["median"] == found["16"]["median"] == 2.0
    assert [[len(text.split()) for text in texts] for texts in asked] == [[8] * 6, [16] * 6]
    assert len(set(asked[0])) == len(asked[0])
    # The examples are given as vectors: no prompt of a target is encoded.
    assert not [text for call in encoder.calls for text in call if "telephone number" in text]
