from __future__ import annotations

from evaluation.evidence.goals import GOALS, judged, markdown
from tests.evaluation.evidence.tables import table


def test_each_goal_is_judged_and_missed_ones_come_first() -> None:
    found = judged(table())
    assert len(found) == len(GOALS)
    assert [one.met for one in found] == sorted((one.met for one in found), key=[False, None, True].index)
    words = {one.goal.text: (one.word, one.value, one.limit) for one in found}
    # 0 and 0.02 in two seeds; the limit is met exactly.
    assert words["leak of `abstain`"] == ("met", "0.01", "≤ 0.01")
    assert words["leak of `refuse`"][0] == "not measured"
    assert words["false alarms"] == ("missed", "0.01", "≤ 0.005")
    assert words["kept answers unchanged, `abstain`"] == ("missed", "0.99", "≥ 1")
    assert words["kept answers changed after 20, less those after the first"] == ("missed", "0.02", "≤ 0")
    assert words["leak after 20 targets one by one, less that after the first"][0] == "met"
    assert words["ROUGE-L of `abstain`, at most the retain model's + 0.02"] == ("met", "0.4", "≤ 0.42")


def test_rivals_that_were_not_measured_do_not_count() -> None:
    (best,) = [one for one in judged(table()) if "best rival without training" in one.goal.text]
    assert (best.value, best.limit) == ("0.59", "≥ -0.4")
    without = table()
    del without["forget10"]["prompt"]
    assert [one.met for one in judged(without) if "best rival without training" in one.goal.text] == [None]


def test_the_table_has_a_row_for_each_goal() -> None:
    assert len(markdown(table()).splitlines()) == 2 + len(GOALS)
