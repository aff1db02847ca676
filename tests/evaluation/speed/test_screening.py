from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import pytest

from classifiers.meaning.encoder import Vectors, unit_rows
from evaluation.speed import screening


class WordEncoder:
    """A word is a piece; a text's vector depends on the text alone."""

    def pieces(self, text: str) -> int:
        return len(text.split())

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = [np.random.default_rng(zlib.crc32(text.encode())).normal(size=64) for text in texts]
        return unit_rows(np.array(rows, np.float32))


def test_examples_are_near_the_questions() -> None:
    questions = WordEncoder().encode([f"question {number}" for number in range(5)])
    made = screening.examples(questions, 300, np.random.default_rng(0))
    assert made.shape == (300, 64)
    assert made.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    nearest = (made @ questions.T).max(axis=1)
    # A vector of length one with noise of length 0.4 at a right angle to it: 1 / sqrt(1.16).
    assert np.median(nearest) == pytest.approx(0.93, abs=0.02)


def test_prompts_are_of_the_length_asked_for() -> None:
    texts = iter(["a b c", "d e", "f g h i j", "k l"])
    assert screening.prompts(WordEncoder(), texts, 4, 2) == ["a b c d", "e f g h"]  # type: ignore[arg-type]


def test_each_length_is_measured_in_its_parts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"question": f"Who is number {n}?", "answer": f"Number {n} is a person of {n} words. " * 20} for n in range(40)]
    monkeypatch.setattr(screening, "SentenceEncoder", WordEncoder)
    monkeypatch.setattr(screening, "tofu", lambda name: {"retain90": rows}[name])
    found = screening.measure(targets=3, rounds=4)
    assert (found["targets"], found["examples"]) == (3, 60)
    for tokens in screening.LENGTHS:
        figures = found[str(tokens)]
        assert 0 < figures["p50"] <= figures["p99"]
        assert figures["windows"] >= 1
    assert found["512"]["windows"] > found["32"]["windows"]
    monkeypatch.setattr(screening, "measure", lambda: found)
    screening.main()
    assert "60 examples" in capsys.readouterr().out
