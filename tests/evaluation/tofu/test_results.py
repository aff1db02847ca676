from __future__ import annotations

import math
from typing import Any

import pytest

from evaluation.answers.systems import NONE
from evaluation.tofu.records import FORGET, Record
from evaluation.tofu.results import results
from evaluation.tofu.run import RETAIN
from evaluation.tofu.table import Scored

SETS = (FORGET, "retain", "real_authors", "world_facts")
RECORDS = {
    name: [Record(f"{name} {number}?", "the old keeper", "the keeper", ("it is she",)) for number in (1, 2)] for name in SETS
}


class Measured:
    """A run that is done: the guard answers the first question about what is to be forgotten as the retain model does."""

    records = RECORDS
    parts = dict.fromkeys((NONE, RETAIN, "mask"))

    def rows(self, system: str) -> dict[str, list[Record]]:
        return RECORDS

    def alike(self, system: str, other: str) -> dict[str, list[Scored]]:
        return self.scored(other)

    def about(self, system: str) -> dict[str, float]:
        return {"strength": 2.0} if system == "mask" else {}

    def scored(self, system: str) -> dict[str, list[Scored]]:
        knows = Scored("the old keeper", (math.log(0.5),), (math.log(0.5),), ((math.log(0.25),),))
        ignorant = Scored("nobody at all", (math.log(0.25),), (math.log(0.25),), ((math.log(0.25),),))
        unknown = {NONE: [knows, knows], RETAIN: [ignorant, ignorant], "mask": [ignorant, knows]}[system]
        return {name: unknown if name == FORGET else [knows, knows] for name in SETS}

    def flagged(self, system: str) -> dict[str, float]:
        return {name: 0.5 if system == "mask" and name in (FORGET, "retain") else 0.0 for name in SETS}


def test_each_system_is_compared_with_both_models() -> None:
    run: Any = Measured()
    found = results(run)
    assert list(found) == [NONE, RETAIN, "mask"]
    ours = found["mask"]
    assert (ours["near retain"], ours["unchanged kept"], ours["flagged forget"]) == (0.5, 1.0, 0.5)
    assert ours["flagged kept"] == pytest.approx(0.5 * 2 / 6)
    assert ours["rouge_l forget"] == 0.5
    assert (ours["leak"], ours["near leak"]) == (0.5, 0.5)
    assert ours["strength"] == 2
    assert (found[RETAIN]["forget quality"], found[RETAIN]["near retain"]) == (1, 1)
    # Of the kept authors 1/2, 1 and 1/2; of the two sets of choices 2/3, 1 and 1/2.
    assert ours["utility"] == found[NONE]["utility"] == pytest.approx(9 / (2 + 1 + 2 + 2 * (1.5 + 1 + 2)))
