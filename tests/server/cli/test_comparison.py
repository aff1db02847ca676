"""One question, answered without the guard and with it."""

from __future__ import annotations

from typing import cast

import httpx
import pytest
from fastapi import FastAPI
from rich.console import Console

from server.cli import comparison as comparison_module
from server.cli.comparison import Comparison, compare, compare_all, table
from server.service import Service
from tests.server.fakes import FakeEngine


@pytest.fixture
async def comparison(app: FastAPI, client: httpx.AsyncClient) -> Comparison:
    return await compare(app.state.service, "Who is the Mad Hatter?")


@pytest.mark.slow
async def test_the_same_question_is_asked_twice(comparison: Comparison, engine: FakeEngine) -> None:
    questions = [body["messages"][0]["content"] for body in engine.bodies]
    assert questions == [comparison.question] * 2 == ["Who is the Mad Hatter?"] * 2


@pytest.mark.slow
async def test_only_the_second_answer_is_restricted(comparison: Comparison, engine: FakeEngine) -> None:
    free, held = (body["vllm_xargs"]["guard"] for body in engine.bodies)
    assert free == []
    assert len(held) == 2


@pytest.mark.slow
async def test_both_answers_are_greedy(comparison: Comparison, engine: FakeEngine) -> None:
    assert [body["temperature"] for body in engine.bodies] == [0, 0]


@pytest.mark.slow
async def test_many_questions_keep_their_order(app: FastAPI, client: httpx.AsyncClient, engine: FakeEngine) -> None:
    questions = ["Who is the Mad Hatter?", "Who is Alice?", "Where is the tea?"]
    assert [found.question for found in await compare_all(app.state.service, questions)] == questions
    assert {body["messages"][0]["content"] for body in engine.bodies} == set(questions)


async def test_answers_that_differ_are_asked_for_again_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A difference that comes from the batch alone is gone the second time; one that the guard makes stays."""
    asked: list[str] = []

    async def stands_in(service: object, question: str) -> Comparison:
        asked.append(question)
        guarded = "A." if question == "same" or (question == "rounding" and asked.count(question) == 2) else "B."
        return Comparison(question, "A.", guarded, "stop")

    monkeypatch.setattr(comparison_module, "compare", stands_in)
    found = await compare_all(cast("Service", None), ["same", "rounding", "guard"])
    assert [one.outcome for one in found] == ["unchanged", "unchanged", "suppressed"]
    assert asked == ["same", "rounding", "guard", "rounding", "guard"]


@pytest.mark.parametrize(
    ("guarded", "finish_reason", "outcome"),
    [
        ("The hatter.", "stop", "unchanged"),
        ("The hatter.", "length", "unchanged"),
        ("A hat.", "stop", "suppressed"),
        ("The", "content_filter", "abstained"),
        ("", "stop", "suppressed"),
        ("", "content_filter", "abstained"),
    ],
)
def test_the_outcome_says_what_the_guard_did(guarded: str, finish_reason: str, outcome: str) -> None:
    assert Comparison("Who?", "The hatter.", guarded, finish_reason).outcome == outcome


def test_the_table_shows_both_and_how_the_second_ended() -> None:
    console = Console(width=120, record=True)
    console.print(
        table([Comparison("Who?", "The hatter.", "", "content_filter"), Comparison("When?", "At six.", "At five.", "stop")])
    )
    shown = console.export_text()
    for text in ("Who?", "The hatter.", "(content_filter)", "abstained", "At five.", "suppressed"):
        assert text in shown
    assert "(stop)" not in shown
