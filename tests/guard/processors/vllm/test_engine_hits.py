"""Hits, avoided tokens and allowed texts on the real engine: where each answer ends, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from evaluation.demo import load_demo
from guard import reference
from guard.phrase import Phrase
from guard.restriction import Restriction
from tests.conftest import LiveServer

pytestmark = pytest.mark.engine


@dataclass(frozen=True)
class Case:
    """A question, and a phrase of its answer that is banned.

    Attributes:
        question: The question.
        answer: The greedy answer without restrictions.
        phrase: The banned phrase: a word of the answer.
        digest: The restriction's.
        begun: The answer as far as it goes before the token that completes the phrase.
        steps: How many tokens that is.
    """

    question: str
    answer: str
    phrase: Phrase
    digest: str
    begun: str
    steps: int


@pytest.fixture(scope="module")
def cases(live: LiveServer) -> list[Case]:
    tokenizer = live.service.running.engine._tokenizer
    made = []
    for pair in load_demo().pairs[:12]:
        words = [word for word in re.findall("[A-Za-z]{4,}", pair.answer)[2:] if pair.answer.count(word) == 1]
        phrase = Phrase(words[0], "gated", force=True)
        restriction = Restriction.compile([phrase])
        restriction.save(live.service.settings.restrictions)
        ids = tokenizer.encode(pair.answer, add_special_tokens=False)
        texts = [tokenizer.decode(ids[:count]) for count in range(len(ids) + 1)]
        pieces = [after.removeprefix(before).encode() for before, after in pairwise(texts)]
        steps = next(k for k in range(len(ids)) if reference.penalty([phrase], pieces[:k], pieces[k]))
        made.append(Case(pair.question, pair.answer, phrase, restriction.digest, texts[steps], steps))
    live.run(live.service.running.engine.load([case.digest for case in made]))
    return made


def ask(live: LiveServer, cases: list[Case], **others: Any) -> list[list[dict[str, Any]]]:
    """Return the choices of each case, all asked at once. What begins with `guard_` goes into `vllm_xargs`."""
    extra = {key: value for key, value in others.items() if key.startswith("guard_")}
    bodies = [
        {
            "model": "demo",
            "messages": [{"role": "user", "content": case.question}],
            "stop_token_ids": [live.service.running.engine.dead_end],
            "max_tokens": 60,
            # vLLM refuses several greedy answers to one request.
            "temperature": 0.01 if others.get("n", 1) > 1 else 0,
            **{key: value for key, value in others.items() if key not in extra},
            "vllm_xargs": {"guard": [case.digest], **extra},
        }
        for case in cases
    ]
    responses = live.engine("/v1/chat/completions", *bodies, at_once=32)
    assert [response.status_code for response in responses] == [200] * len(cases)
    return [response.json()["choices"] for response in responses]


def ended_at_hit(live: LiveServer, choice: dict[str, Any]) -> bool:
    return bool(choice["finish_reason"] == "stop" and choice["stop_reason"] == live.service.running.engine.dead_end)


@pytest.mark.parametrize("how", [{}, {"n": 3}, {"min_tokens": 40}, {"ignore_eos": True}, {"n": 3, "min_tokens": 40}])
def test_an_answer_ends_where_it_would_have_said_the_phrase(live: LiveServer, cases: list[Case], how: dict[str, Any]) -> None:
    for case, choices in zip(cases, ask(live, cases, guard_hits=1, return_token_ids=True, **how), strict=True):
        assert len(choices) == how.get("n", 1)
        for choice in choices:
            assert ended_at_hit(live, choice)
            assert (choice["message"]["content"] or "") == case.begun
            # The step of the hit is the first one in which the phrase would have been complete.
            assert len(choice["token_ids"]) == case.steps + 1
            assert choice["token_ids"][-1] == live.service.running.engine.dead_end


def test_without_hits_the_bans_act_and_the_answer_goes_on(live: LiveServer, cases: list[Case]) -> None:
    plain, nought = ask(live, cases), ask(live, cases, guard_hits=0)
    assert sum(a[0]["message"]["content"] == b[0]["message"]["content"] for a, b in zip(plain, nought, strict=True)) >= 11
    for case, (choice,) in zip(cases, plain, strict=True):
        content = choice["message"]["content"]
        assert not ended_at_hit(live, choice)
        assert content.startswith(case.begun)
        assert len(content) > len(case.begun)
        assert not reference.occurrences(case.phrase, reference.folded_stream([content.encode()]))


def test_an_answer_without_a_hit_is_the_free_one(live: LiveServer, cases: list[Case]) -> None:
    never = Restriction.compile([Phrase("Zebedee Quillfeather")])
    never.save(live.service.settings.restrictions)
    live.run(live.service.running.engine.load([never.digest]))
    others = [Case(c.question, c.answer, c.phrase, never.digest, "", 0) for c in cases]
    found = ask(live, others, guard_hits=1, guard_avoid=[], guard_allow=["Zebedee"])
    assert sum(choice["message"]["content"] == case.answer for case, (choice,) in zip(cases, found, strict=True)) >= 11
    assert not any(ended_at_hit(live, choice) for (choice,) in found)


def test_an_allowed_phrase_is_said_and_is_no_hit(live: LiveServer, cases: list[Case]) -> None:
    texts = [case.phrase.text.upper() for case in cases]
    found = ask(live, cases, guard_hits=1, guard_allow=texts)
    assert sum(choice["message"]["content"] == case.answer for case, (choice,) in zip(cases, found, strict=True)) >= 11
    others = ask(live, cases, guard_hits=1, guard_allow=["some other text"])
    assert all(ended_at_hit(live, choice) for (choice,) in others)


def test_at_the_beginning_tokens_are_avoided_and_no_hit_ends_the_answer(live: LiveServer, cases: list[Case]) -> None:
    tokenizer = live.service.running.engine._tokenizer
    first = sorted({tokenizer.encode(case.answer, add_special_tokens=False)[0] for case in cases})
    for (choice,) in ask(live, cases, guard_hits=1, guard_avoid=first, return_token_ids=True):
        assert choice["token_ids"][0] not in [*first, live.service.running.engine.dead_end]
    # The likeliest first word is banned by a phrase: with a hit nothing is said, and without one something else.
    words = [Phrase(re.findall("[A-Za-z]+", case.answer)[0], "gated", "prefix", force=True) for case in cases]
    restriction = Restriction.compile(words)
    restriction.save(live.service.settings.restrictions)
    live.run(live.service.running.engine.load([restriction.digest]))
    others = [Case(c.question, c.answer, c.phrase, restriction.digest, "", 0) for c in cases]
    said = ask(live, others, guard_hits=1, guard_avoid=[], return_token_ids=True)
    assert all(choice["token_ids"][0] != live.service.running.engine.dead_end for (choice,) in said)


def test_a_hit_is_counted_once(live: LiveServer, cases: list[Case]) -> None:
    ask(live, cases[:1], guard_hits=1, guard_id="gd-hit", n=3)
    assert live.run(live.service.running.engine.suppressed(["gd-hit"])) == {"gd-hit": 3}


@pytest.mark.parametrize("wrong", [{"guard_hits": 2}, {"guard_avoid": [-1]}, {"guard_allow": ["--"]}])
def test_a_malformed_argument_is_answered_with_an_error(live: LiveServer, cases: list[Case], wrong: dict[str, Any]) -> None:
    body = {
        "model": "demo",
        "messages": [{"role": "user", "content": "Hm"}],
        "vllm_xargs": {"guard": [cases[0].digest], **wrong},
    }
    (response,) = live.engine("/v1/chat/completions", body)
    assert response.status_code == 400
    assert next(iter(wrong)) in response.text


def test_hits_are_exact_under_preemption_and_in_company(live: LiveServer, cases: list[Case]) -> None:
    crowd = cases * 5
    for case, (choice,) in zip(crowd, ask(live, crowd, guard_hits=1, ignore_eos=True), strict=True):
        assert ended_at_hit(live, choice)
        assert (choice["message"]["content"] or "") == case.begun
