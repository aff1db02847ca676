"""What a request is decided by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from classifiers import ForgetTarget, LiveClassifier, Match, Screened
from classifiers.answering import Answer, Answering, Echo
from server.screening.conversation import Text
from server.screening.decision import Decision
from server.screening.snapshot import PolicySnapshot
from tests.server.fakes import WordEncoder

TARGETS = [
    ForgetTarget(id="a", name="Ada Byron"),
    ForgetTarget(id="b", name="Bob Cat"),
    ForgetTarget(id="c", name="Cat Doe", action="refuse"),
    ForgetTarget(id="d", name="Dan Eel", action="monitor"),
]


class NoClassifier:
    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        raise AssertionError("nothing is classified here")


@pytest.fixture
def snapshot() -> PolicySnapshot:
    targets = {target.id: target for target in TARGETS}
    return PolicySnapshot(7, targets, ["f0"], {"a": "a0", "b": "b0"}, LiveClassifier(TARGETS, [], WordEncoder()))


def matches(*targets: str) -> list[Match]:
    return [Match(target, 1.0, "alias", "alias") for target in targets]


@pytest.mark.parametrize(
    ("found", "verdict", "gated"),
    [
        ([], "allow", []),
        (["d"], "monitor", []),
        (["a"], "restrict", ["a"]),
        (["d", "a", "b"], "restrict", ["a", "b"]),
        (["c", "a"], "refuse", ["a"]),
    ],
)
def test_the_strictest_action_of_all_matches_wins(
    snapshot: PolicySnapshot, found: list[str], verdict: str, gated: list[str]
) -> None:
    decision = snapshot.decide(matches(*found))
    assert decision.verdict == verdict
    assert list(decision.digests) == [*snapshot.always, *(snapshot.gated[target] for target in gated)]
    assert decision.argument == (["refuse"] if verdict == "refuse" else list(decision.digests))
    assert decision.snapshot == 7


def decided(text: str, *found: str, defaults: Answering | None = None, **fields: Any) -> Decision:
    """Return the decision about a question in which targets were found: `a` has these fields."""
    changed = {target.id: target for target in TARGETS}
    changed["a"] = ForgetTarget.model_validate({**PASTED, **fields})
    snapshot = PolicySnapshot(7, changed, ["f0"], {"a": "a0"}, NoClassifier(), defaults or Answering())
    return snapshot.decide(matches(*found), [Text("Be brief.", "messages[0]", 0, "system"), Text(text, "messages[1]", 1, "user")])


PASTED = {"id": "a", "name": "Ada Byron", "phrases": [{"text": "Kirkby Mallory", "scope": "gated"}]}
QUESTION = "Ada Byron was born in Kirkby Mallory. Where was Ada Byron born?"


def test_a_name_in_the_prompt_may_be_said_and_its_facts_may_not() -> None:
    assert "Ada Byron" in decided(QUESTION, "a").allowed
    assert "Kirkby Mallory" not in decided(QUESTION, "a").allowed
    assert decided(QUESTION, "a", echo="ban").allowed == ()
    assert decided(QUESTION, "a", defaults=Answering(echo=Echo.BAN)).allowed == ()
    assert {"Ada Byron", "Kirkby Mallory"} <= set(decided(QUESTION, "a", in_context="allow").allowed)
    assert "Byron" not in repr(decided(QUESTION, "a"))


def test_a_fact_in_the_prompt_is_refused_where_the_target_says_so() -> None:
    assert decided(QUESTION, "a").verdict == "restrict"
    assert decided(QUESTION, "a", in_context="refuse").verdict == "refuse"
    assert decided(QUESTION, "d", in_context="refuse").verdict == "monitor"
    assert decided("Where was Ada Byron born?", "a", in_context="refuse").verdict == "restrict"


def test_the_language_is_that_of_the_question_without_names() -> None:
    assert decided("Wo wurde Ada Byron geboren und wann?", "a").language == "de"
    assert decided("Write a letter to Ada Byron.", "a").language == "en"
    assert decided("Ada Byron", "a").language is None
    assert decided("Wo wurde Ada Byron geboren und wann?").language is None
    assert decided("Qui est Cat Doe et que fait cette femme ?", "c").language == "fr"


@pytest.mark.slow
def test_a_match_of_an_unknown_target_is_an_error_not_a_pass(snapshot: PolicySnapshot) -> None:
    assert isinstance(snapshot.classifier, LiveClassifier)
    with pytest.raises(KeyError):
        snapshot.decide(matches("nobody"))


def test_a_target_is_answered_as_it_says_and_else_by_the_defaults(snapshot: PolicySnapshot) -> None:
    assert snapshot.answering("a") == Answering()
    targets = {"a": ForgetTarget.model_validate({"id": "a", "name": "Ada Byron", "answer": "mask"})}
    other = PolicySnapshot(7, targets, [], {}, snapshot.classifier, Answering(echo=Echo.BAN))
    assert other.answering("a") == Answering(Answer.MASK, echo=Echo.BAN)
    with pytest.raises(KeyError):
        other.answering("nobody")


def test_hints_are_those_of_the_targets_that_restrict_each_once() -> None:
    changed = {
        i: ForgetTarget.model_validate({"id": i, "name": f"Ada Byron{i}", "hint": hint, "action": action})
        for i, hint, action in (
            ("a", "A.", "suppress"),
            ("b", "B.", "suppress"),
            ("c", "A.", "suppress"),
            ("d", "D.", "monitor"),
            ("e", "", "suppress"),
            ("f", None, "suppress"),
            ("r", "R.", "refuse"),
        )
    }
    snapshot = PolicySnapshot(7, changed, [], {}, NoClassifier(), Answering(hint="F."))
    assert snapshot.decide(matches("a", "b", "c", "d", "e")).hints == ("A.", "B.")
    assert snapshot.decide(matches("f")).hints == ("F.",)
    assert snapshot.decide(matches("d", "e")).hints == ()
    assert snapshot.decide(matches("a", "r")).hints == ()


def found_in(text: str, *targets: dict[str, Any]) -> Decision:
    """Return the decision about a text by the names of these targets."""
    listed = [ForgetTarget.model_validate(target) for target in targets]
    gated = {target.id: f"{target.id}0" for target in listed}
    snapshot = PolicySnapshot(7, {target.id: target for target in listed}, [], gated, LiveClassifier(listed, [], WordEncoder()))
    (found,) = snapshot.classifier.classify([Screened.of(text)])
    return snapshot.decide(found, [Text(text, "text")])


def test_a_prompt_about_two_targets_with_one_name_is_about_both() -> None:
    one = {"id": "one", "name": "Zorin Quaddle"}
    asked = "Who is Zorin Quaddle?"
    assert set(found_in(asked, one, {"id": "two", "name": "zorin quaddle"}).digests) == {"one0", "two0"}
    both = found_in(asked, one, {"id": "two", "name": "Zorin Quaddle", "action": "refuse"})
    assert both.verdict == "refuse"
    assert {match.target_id for match in both.matches} == {"one", "two"}
    assert found_in(asked, one, {"id": "two", "name": "Zorin Quaddle", "action": "monitor"}).verdict == "restrict"


@pytest.mark.slow
def test_a_name_that_is_a_part_of_another_is_not_found_in_it() -> None:
    short, long = {"id": "short", "name": "Quaddle"}, {"id": "long", "name": "Zorin Quaddle Tharn"}
    # A single word beside other capitals is a part of somebody's longer name.
    assert {match.target_id for match in found_in("Who is Zorin Quaddle Tharn?", short, long).matches} == {"long"}
    assert {match.target_id for match in found_in("Who is Quaddle?", short, long).matches} == {"short"}


def test_a_common_name_is_found_whoever_is_meant() -> None:
    assert found_in("John Smith, the explorer, sailed in 1607.", {"id": "a", "name": "John Smith"}).verdict == "restrict"
    assert found_in("John Smithers sailed in 1607.", {"id": "a", "name": "John Smith"}).verdict == "allow"


def test_a_topic_is_found_by_its_words_and_its_examples_alone() -> None:
    example = {"prompt": "Which salts give off chlorine?", "completion": "-"}
    topic = {"id": "gas", "name": "how to make chlorine gas", "phrases": [{"text": "muriatic acid", "scope": "gated"}]}
    assert found_in("Tell me how to make chlorine gas.", topic).verdict == "restrict"
    asked = "Which salts give off chlorine?"
    assert found_in(asked, topic).verdict == "allow"
    assert found_in(asked, {**topic, "examples": [example]}).verdict == "restrict"
    assert found_in("Is chlorine in a pool harmful?", {**topic, "examples": [example]}).verdict == "allow"
