from __future__ import annotations

from typing import Any

from classifiers import ForgetTarget
from evaluation.demo import contains_phrase, load_demo
from evaluation.targets.facts import facts, restricts, unsettled
from server.api.models import TargetRequest


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
