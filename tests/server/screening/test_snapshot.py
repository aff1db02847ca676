"""What a request is decided by."""

from __future__ import annotations

import pytest

from classifiers import ForgetTarget, LiveClassifier, Match
from classifiers.answering import Answer, Answering, Echo
from server.screening.snapshot import PolicySnapshot
from tests.server.fakes import WordEncoder

TARGETS = [
    ForgetTarget(id="a", name="Ada Byron"),
    ForgetTarget(id="b", name="Bob Cat"),
    ForgetTarget(id="c", name="Cat Doe", action="refuse"),
    ForgetTarget(id="d", name="Dan Eel", action="monitor"),
]


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
