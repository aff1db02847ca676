from __future__ import annotations

from typing import Any

import httpx
import pytest

from classifiers import ForgetTarget
from evaluation.demo import contains_phrase, load_demo
from evaluation.targets.facts import facts, restricts, screened, unsettled
from server.api.models import TargetRequest


@pytest.mark.slow
def test_facts_are_what_their_answers_say_and_no_two_are_the_same() -> None:
    found = facts()
    assert len(found) > 45  # a trial of twenty adds at each of two servers takes forty-four
    assert len({fact.question for fact in found}) == len({fact.phrase for fact in found}) == len(found)
    names = [person.name for person in load_demo().people]
    for fact in found:
        assert contains_phrase(fact.answer, fact.phrase)
        assert fact.phrase not in names
        TargetRequest.model_validate(fact.target("added-1"))
    first = ForgetTarget.model_validate(found[0].target("a"))
    assert first.name == found[1].target("a")["name"] != found[0].target("b")["name"]


def test_a_decision_restricts_only_for_its_own_target() -> None:
    decision: dict[str, Any] = {"verdict": "restrict", "matches": [{"target_id": "a"}]}
    assert restricts(decision, "a")
    assert not restricts(decision, "b")
    assert not restricts({**decision, "verdict": "allow"}, "a")


def test_a_policy_is_settled_when_every_live_process_is_there() -> None:
    peers = [{"alive": True, "snapshot": 7}, {"alive": False, "snapshot": 3}]
    policy: dict[str, Any] = {"snapshot": 7, "serving": True, "pending": [], "peers": peers}
    assert unsettled(policy, 7) == ""
    assert "not 8" in unsettled(policy, 8)
    assert "pending" in unsettled({**policy, "pending": ["a"]}, 7)
    assert "serving" in unsettled({**policy, "serving": False}, 7)
    assert "[6]" in unsettled({**policy, "peers": [*peers, {"alive": True, "snapshot": 6}]}, 7)


def _client(answers: dict[str, Any]) -> httpx.Client:
    """Return a client of a server that gives these answers by path."""
    return httpx.Client(
        transport=httpx.MockTransport(lambda request: httpx.Response(200, json=answers[request.url.path])),
        base_url="http://server",
    )


def test_a_fact_is_said_if_its_phrase_is_in_the_answer() -> None:
    fact = facts()[0]
    for text, said in ((f"I think {fact.phrase.upper()}.", True), ("Nobody knows.", False), (None, False)):
        answer = {"choices": [{"message": {"content": text}}]}
        with _client({"/v1/chat/completions": answer}) as client:
            assert fact.said(client) is said


def test_screening_returns_the_decision() -> None:
    decision = {"verdict": "allow", "matches": []}
    with _client({"/v1/screen": decision}) as client:
        assert screened(client, "text") == decision
    refusing = httpx.MockTransport(lambda request: httpx.Response(503))
    with httpx.Client(transport=refusing, base_url="http://server") as client, pytest.raises(httpx.HTTPStatusError):
        screened(client, "text")
