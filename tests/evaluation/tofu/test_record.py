from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from evaluation.answers.systems import NONE
from evaluation.tofu import record
from evaluation.tofu.records import FORGET, Record
from evaluation.tofu.run import RETAIN
from evaluation.tofu.table import Scored

SETS = (FORGET, "retain", "real_authors", "world_facts")
RECORDS = {
    name: [Record(f"{name} {number}?", "the old keeper", "it is he", ("it is she",)) for number in (1, 2)] for name in SETS
}


class Measured:
    """A run that is done: the guard answers the first question about what is to be forgotten as the retain model does."""

    records = RECORDS
    parts = dict.fromkeys((NONE, RETAIN, "default"))

    def scored(self, system: str) -> dict[str, list[Scored]]:
        knows = Scored("the old keeper", (math.log(0.5),), (math.log(0.5),), ((math.log(0.25),),))
        ignorant = Scored("nobody at all", (math.log(0.25),), (math.log(0.25),), ((math.log(0.25),),))
        unknown = {NONE: [knows, knows], RETAIN: [ignorant, ignorant], "default": [ignorant, knows]}[system]
        return {name: unknown if name == FORGET else [knows, knows] for name in SETS}

    def flagged(self, system: str) -> dict[str, float]:
        return {name: 0.5 if system == "default" and name in (FORGET, "retain") else 0.0 for name in SETS}


def test_each_system_is_compared_with_both_models() -> None:
    run: Any = Measured()
    found = record.results(run)
    assert list(found) == [NONE, RETAIN, "default"]
    ours = found["default"]
    assert (ours["near retain"], ours["unchanged kept"], ours["flagged forget"]) == (0.5, 1.0, 0.5)
    assert ours["flagged kept"] == pytest.approx(0.5 * 2 / 6)
    assert ours["rouge_l forget"] == 0.5
    assert (found[RETAIN]["forget quality"], found[RETAIN]["near retain"]) == (1, 1)
    # Of the kept authors 1/2, 1 and 1/2; of the two sets of choices 2/3, 1 and 1/2.
    assert ours["utility"] == found[NONE]["utility"] == pytest.approx(9 / (2 + 1 + 2 + 2 * (1.5 + 1 + 2)))


def test_the_record_is_a_table_and_the_figures(tmp_path: Path) -> None:
    run: Any = Measured()
    found = record.results(run)
    path = record.write(found, "2026-01-02", "forget01; all of it.", tmp_path / "record")
    assert json.loads(path.with_suffix(".json").read_text()) == found
    lines = path.read_text().splitlines()
    assert "forget01; all of it." in lines
    assert sum(line.startswith("| ") for line in lines) == 1 + len(found)
