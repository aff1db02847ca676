from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from evaluation.demo import load_demo
from evaluation.leakage import demo as leakage
from tests.evaluation.answering import answering, demo_server_of, question_of

DEMO = load_demo()
FACTS = {question: next(iter(p.facts)) for p in DEMO.forgotten for pair in p.pairs for question in pair.questions}
ANSWERS = {question: pair.answer for pair in DEMO.pairs for question in pair.questions}


async def test_answers_come_in_the_order_of_the_questions() -> None:
    bodies: list[dict[str, Any]] = []
    app = answering(lambda body: question_of(body).upper(), bodies)
    questions = [f"question {number}" for number in range(40)]
    assert await leakage.answers(app, "demo", questions, "test", seed=3) == [question.upper() for question in questions]
    assert {(body["model"], body["temperature"], body["seed"]) for body in bodies} == {("demo", 0, 3)}


@pytest.mark.slow
async def test_shares_are_those_of_the_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unguarded, every forgotten person's first fact is said; guarded, nothing is, and one kept person's answers have changed."""
    changed = {question for pair in DEMO.kept[0].pairs for question in pair.questions}

    def knows(body: dict[str, Any]) -> str:
        assert body["vllm_xargs"] == {"guard": []}
        question = question_of(body)
        return f"It is {FACTS[question].upper()}, I think." if question in FACTS else ANSWERS[question]

    def guarded(body: dict[str, Any]) -> str:
        assert "vllm_xargs" not in body
        question = question_of(body)
        return " " if question in FACTS else ANSWERS[question] + "!" * (question in changed)

    server = demo_server_of(answering(guarded), SimpleNamespace(app=answering(knows)))
    monkeypatch.setattr(leakage, "demo_server", server)
    monkeypatch.setattr(leakage, "demo_model", lambda: "model")
    found = await leakage.evaluate()
    assert found.forgotten_questions == len(FACTS) == 3 * sum(len(person.pairs) for person in DEMO.forgotten)
    assert found.other_questions == len(ANSWERS) - len(FACTS)
    assert found.leaked == {"unguarded": 1.0, "guarded": 0.0}
    same = 1 - len(changed) / found.other_questions
    assert found.exact == {"unguarded": 1.0, "guarded": pytest.approx(same)}
    assert found.unchanged == pytest.approx(same)
    assert found.silent == 1.0


async def test_the_small_form_asks_some_of_each_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[dict[str, Any]] = []
    app = answering(lambda body: ANSWERS[question_of(body)], bodies)
    monkeypatch.setattr(leakage, "demo_server", demo_server_of(app, SimpleNamespace(app=app)))
    monkeypatch.setattr(leakage, "demo_model", lambda: "model")
    found = await leakage.evaluate(leakage.EVERY_IN_SMALL)
    pairs = sum(len(person.pairs) for person in DEMO.forgotten)
    assert found.forgotten_questions == 3 * math.ceil(pairs / leakage.EVERY_IN_SMALL)
    assert found.other_questions == 3 * math.ceil(len(DEMO.innocent) / leakage.EVERY_IN_SMALL)
    assert len(bodies) == 2 * (found.forgotten_questions + found.other_questions)
    assert (found.unchanged, found.silent) == (1.0, 0.0)
