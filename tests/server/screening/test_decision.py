"""What a decision says about a request."""

from __future__ import annotations

import pytest

from classifiers import Match
from server.screening.decision import Decision, Verdict


def test_decisions_have_ids_of_their_own() -> None:
    assert Decision("allow", []).id != Decision("allow", []).id


@pytest.mark.parametrize(
    ("verdict", "answered", "flagged", "counted", "argument"),
    [
        ("allow", True, False, True, ["f0"]),
        ("monitor", True, False, True, ["f0"]),
        ("restrict", True, True, True, ["f0"]),
        ("refuse", False, True, False, ["refuse"]),
    ],
)
def test_what_a_verdict_means(verdict: Verdict, answered: bool, flagged: bool, counted: bool, argument: list[str]) -> None:
    decision = Decision(verdict, ["f0"], [Match("a", 1.0, "alias", "alias")])
    assert (decision.answered, decision.flagged, decision.counted) == (answered, flagged, counted)
    assert decision.argument == argument


def test_without_a_match_nothing_is_counted() -> None:
    assert not Decision("allow", ["f0"]).counted
