from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluation.data import TOFU, missing
from evaluation.tofu.records import FORGET, load


@pytest.mark.skipif(bool(missing(TOFU)), reason=missing(TOFU))
def test_each_set_has_its_records_with_wrong_answers_in_the_form_of_the_right_one() -> None:
    found = load("forget01")
    assert {name: len(rows) for name, rows in found.items()} == {
        FORGET: 40,
        "retain": 400,
        "real_authors": 100,
        "world_facts": 117,
    }
    assert all(row.wrong for rows in found.values() for row in rows)
    assert all(row.reworded == row.answer for row in found["real_authors"])
    assert sum(row.reworded != row.answer for row in found[FORGET]) > 35
    assert [len(rows) for rows in load("forget01", every=10).values()] == [4, 40, 10, 12]


def test_a_record_without_wrong_answers_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "forget01_perturbed.json").write_text(json.dumps({"question": "a?", "answer": "b"}))
    with pytest.raises(KeyError, match="perturbed_answer"):
        load("forget01", tmp_path)
