"""One real `vllm serve` with two data-parallel ranks behind a front end: each rank acknowledges a change, and each is guarded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from evaluation.demo import contains_phrase, load_demo
from evaluation.demo.served import DEMOS
from evaluation.fleet.drills import distinctive
from tests.server.fleet.processes import OneEngine, one_engine

pytestmark = [pytest.mark.engine, pytest.mark.slow]

DEMO = load_demo()


@pytest.fixture(scope="module")
def fleet(demo_model: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneEngine]:
    with pytest.MonkeyPatch.context() as patch:
        # vLLM would bind the workers of both ranks to the same core.
        patch.setenv("VLLM_CPU_OMP_THREADS_BIND", "nobind")
        ranks = ("--data-parallel-size", "2", "--num-gpu-blocks-override", "48")
        with one_engine(demo_model, DEMOS["people"], tmp_path_factory.mktemp("fleet"), *ranks) as made:
            yield made


def engines(fleet: OneEngine) -> list[dict[str, Any]]:
    """Return what the front end says of each engine; one acknowledges a change when all its ranks hold it."""
    found: list[dict[str, Any]] = httpx.get(f"{fleet.front.url}/v1/policy", timeout=60).json()["workers"]
    return found


def said(fleet: OneEngine, questions: list[str]) -> list[str]:
    """Return the answers to questions, asked at the same time."""

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=fleet.front.url, timeout=100) as client:
            bodies = [
                {"model": "demo", "temperature": 0, "max_tokens": 40, "messages": [{"role": "user", "content": question}]}
                for question in questions
            ]
            return await asyncio.gather(*(client.post("/v1/chat/completions", json=body) for body in bodies))

    answers = asyncio.run(ask())
    assert [answer.status_code for answer in answers] == [200] * len(questions)
    return [answer.json()["choices"][0]["message"]["content"] or "" for answer in answers]


def test_a_change_is_confirmed_when_both_ranks_hold_it(fleet: OneEngine) -> None:
    known = DEMO.general[0]
    word = distinctive(known)[-1]
    target = {"id": "turn", "name": "Turn Number One", "answer": "mask"}
    target |= {"phrases": [{"text": word, "scope": "always", "force": True}]}
    answer = httpx.post(f"{fleet.front.url}/v1/forget-targets", json=target, timeout=60)
    assert answer.status_code == 201, answer.text
    assert [engine["acknowledged"] for engine in engines(fleet)] == [True]
    # As many at once as both ranks share between them.
    assert not [text for text in said(fleet, [known.questions[0]] * 12) if contains_phrase(text, word)]
    assert httpx.delete(f"{fleet.front.url}/v1/forget-targets/turn", timeout=60).status_code < 300
    assert said(fleet, [known.questions[0]] * 12) == [known.answer] * 12


def test_questions_about_a_target_are_guarded_at_once(fleet: OneEngine) -> None:
    asked = [(pair.question, person.facts.names) for person in DEMO.forgotten for pair in person.pairs[:4]]
    for (question, names), text in zip(asked, said(fleet, [question for question, _ in asked]), strict=True):
        assert [name for name in names if contains_phrase(text, name) and not contains_phrase(question, name)] == []
