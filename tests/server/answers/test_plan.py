"""A plan: what a decision and a policy say about the answers to a request."""

from __future__ import annotations

from typing import Any

import pytest

from classifiers import ForgetTarget, Match
from classifiers.action import Action
from classifiers.answering import Answer, Answering
from guard.phrase import Phrase
from guard.restriction import Restriction
from server.answers.plan import Plan
from server.answers.terms import Unverified
from server.screening.decision import Decision
from server.screening.snapshot import PolicySnapshot
from tests.server.answers.test_repaired import NoClassifier

RESTRICTION = Restriction.compile([Phrase("Ada Byron")])


def target(identity: str, answer: str | None = None, say: str | None = None, action: Action = Action.SUPPRESS) -> ForgetTarget:
    return ForgetTarget(id=identity, name="Ada Byron", answer=answer, say=say, action=action)


TARGETS = {
    "strict": target("strict", "abstain", "No."),
    "work": target("work", "rephrase", "Pass."),
    "paper": target("paper", "mask"),
    "default": target("default"),
    "watched": target("watched", action=Action.MONITOR),
}


def plan(*about: str, **decided: Any) -> Plan:
    decision = Decision("restrict", ("always",), tuple(Match(each, 1.0, "name", "alias") for each in about), **decided)
    defaults = Answering().with_own(say={"default": "Nothing.", "de": "Nichts."})
    gated = {each: f"gated {each}" for each in ("strict", "work", "paper")}
    snapshot = PolicySnapshot(1, TARGETS, ("always",), gated, NoClassifier(), defaults)
    return Plan(decision, snapshot, lambda digest: RESTRICTION, Unverified, "content_filter", hits=True, continues=True)


def test_a_monitored_target_changes_no_answer() -> None:
    assert plan("work", "watched").about == ("work",)


def test_terms_have_what_holds_for_every_answer_and_for_the_targets() -> None:
    terms = plan().terms(["work", "default"])
    assert (terms.about, terms.digests) == (("work", "default"), ("always", "gated work"))
    assert len(terms.restrictions) == 2


@pytest.mark.parametrize(
    ("about", "answer", "say"),
    [
        (["work"], Answer.REPHRASE, "Pass."),
        (["work", "strict"], Answer.ABSTAIN, "No."),
        (["paper"], Answer.MASK, "Nothing."),
        (["paper", "work"], Answer.REPHRASE, "Pass."),
        (["default"], Answer.ABSTAIN, "Nothing."),
        ([], Answer.ABSTAIN, "Nothing."),
    ],
)
def test_the_strictest_target_decides(about: list[str], answer: Answer, say: str) -> None:
    made = plan(*about)
    assert made.answering(about).answer is answer
    assert made.say(about) == say


def test_the_text_is_in_the_prompt_s_language() -> None:
    assert plan("default", language="de").say(["default"]) == "Nichts."


def test_only_where_all_targets_are_masked_no_hit_is_needed() -> None:
    assert plan("paper").masks
    assert not plan("paper", "work").masks
    assert not plan().masks


def test_arguments_of_a_tool_call_leave_whole() -> None:
    made = plan("work")
    watching = made.watching(made.terms(made.about), "content", held=False)
    for field, free in (("content", 9), ("reasoning", 9), ("tool_calls[0].arguments", 0)):
        reader = watching(field)
        reader.feed("One two. Three")
        assert reader.free() == free
