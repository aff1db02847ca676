from __future__ import annotations

import pytest

from evaluation.fleet.load import Told, judged, load
from tests.evaluation.fleet.fakes import Policy, fake_fleet


@pytest.mark.slow
@pytest.mark.parametrize(
    ("policy", "failure"),
    [
        (Policy(), None),
        (Policy(stale=True), "under an older snapshot"),
        (Policy(deaf=True), "say what is forgotten"),
        (Policy(forgetful=True), "changes were lost"),
        (Policy(status=503), "status of 5xx"),
    ],
)
def test_what_does_not_hold_is_told(policy: Policy, failure: str | None) -> None:
    with fake_fleet(policy) as fleet:
        # Each of four targets is changed twice, for a change that is lost to show.
        found = load(fleet, 9 if failure and "lost" in failure else 2)
    assert bool(found["failures"]) is bool(failure)
    if failure:
        assert any(failure in text for text in found["failures"]), found
    else:
        assert found["decided"] > 20
        assert found["statuses"]["change 201"] >= 1


def test_each_kind_of_fault_is_counted() -> None:
    told = Told()
    told.statuses |= {"answer 200": 3, "answer 503": 2}
    told.under = {"a": 4, "b": 5, "c": 1}
    told.versions |= {"shared-0": 3}
    told.leaks = 1
    found = judged(told, {"shared-0": 2}, {"a": 3, "b": 5})
    assert (found["older"], found["lost_updates"]) == (1, 1)
    assert found["failures"] == [
        "1 answers were decided under an older snapshot than one confirmed before",
        "1 changes were lost",
        "2 answers have a status of 5xx",
        "1 answers say what is forgotten",
        "1 decisions are not in the audit log",
    ]
