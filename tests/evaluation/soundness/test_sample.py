from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evaluation.demo import load_demo
from evaluation.soundness import sample
from guard import Phrase, Restriction, fold
from tests.evaluation.answering import answering, demo_server_of, question_of

DEMO = load_demo()


def test_phrases_are_the_commonest_runs_of_words_of_the_answers() -> None:
    made = sample.frequent_phrases(DEMO, 50)
    assert len({phrase.text for phrase in made}) == 50
    assert all(len(phrase.text) >= 4 and 1 <= len(phrase.text.split()) <= 3 for phrase in made)
    answers = [f" {' '.join(fold(pair.answer).split())} " for pair in DEMO.pairs]
    counts = [sum(answer.count(f" {phrase.text} ") for answer in answers) for phrase in made]
    words = Counter(word for answer in answers for word in answer.split() if len(word) >= 4)
    assert counts[0] >= words.most_common(1)[0][1]
    assert min(counts) > 1
    assert made == sample.frequent_phrases(DEMO, 50)


def test_a_leak_is_a_phrase_that_occurs_as_it_matches() -> None:
    phrases = [Phrase("mad hatter"), Phrase("teapot", match="prefix"), Phrase("ouse", match="substring")]
    answers = ["The MAD-Hatter came.", "mad hatters", "Two teapots!", "a dormouse", "m a d hatter"]
    found = sample.leaks(phrases, answers)
    assert ("mad hatter", answers[0]) in found
    assert ("mad hatter", answers[1]) not in found
    assert ("teapot", answers[2]) in found
    assert ("ouse", answers[3]) in found
    assert sample.leaks(phrases, []) == []


class _Engine:
    dead_end = 3

    def __init__(self) -> None:
        self.loaded: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.app = answering(self._says, self.bodies)

    def _says(self, body: dict[str, Any]) -> str:
        restricted = body["vllm_xargs"]["guard"] == self.loaded
        answer = next(pair.answer for pair in DEMO.pairs if pair.question == question_of(body))
        return "xx" if restricted else answer

    async def load(self, digests: list[str]) -> None:
        self.loaded += digests


@pytest.mark.slow
async def test_guarded_and_free_answers_are_counted_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = _Engine()
    app = answering(lambda _: "the server itself is not asked")
    server = demo_server_of(app, engine)
    app.state.service.settings = SimpleNamespace(restrictions=tmp_path)
    monkeypatch.setattr("evaluation.demo.server.demo_server", server)
    monkeypatch.setattr("evaluation.demo.served.demo_model", lambda: "model")
    found = await sample.sample(10)
    assert len(engine.loaded) == 1
    assert Restriction.load(tmp_path, engine.loaded[0]).digest == engine.loaded[0]
    assert (found["phrases"], found["answers"], found["answers_with_a_phrase"]) == (1000, 10, 0)
    assert (found["tokens"], found["distinct_answers"]) == (400, 1)
    assert found["unguarded_answers"] == len(DEMO.pairs)
    assert found["unguarded_answers_with_a_phrase"] > 0.9 * len({pair.answer for pair in DEMO.pairs})
    assert {body["temperature"] for body in engine.bodies} == {sample.TEMPERATURE}
    assert {tuple(body["stop_token_ids"]) for body in engine.bodies} == {(3,)}


def test_figures_are_printed_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def some(count: int) -> dict[str, Any]:
        return {"answers": count}

    monkeypatch.setattr(sample, "sample", some)
    monkeypatch.setattr(sys, "argv", ["sample", "--answers", "5", "--out", str(tmp_path / "found.json")])
    sample.main()
    assert json.loads(capsys.readouterr().out) == json.loads((tmp_path / "found.json").read_text()) == {"answers": 5}
