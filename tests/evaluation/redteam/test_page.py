from __future__ import annotations

import json

from evaluation.redteam.page import corrected
from tests.paths import ROOT


def test_rates_and_links_are_those_of_the_record() -> None:
    page = "[record](../evaluation/redteam/record/2026-01-02.json) | `plain` 7/–, `alias` 0/0, `no_kind_at_all` 1/1 |"
    results = {"people": {"kinds": {"plain": {"leak_at_20": 0.125}}}, "known": {"kinds": {"plain": {"leak_at_20": 0.0}}}}
    assert corrected(page, results, "2026-03-04") == (
        "[record](../evaluation/redteam/record/2026-03-04.json) | `plain` 12/0, `alias` –/–, `no_kind_at_all` 1/1 |"
    )


def test_the_page_is_correct() -> None:
    page = (ROOT / "docs" / "threats.md").read_text("utf-8")
    date = page.split("evaluation/redteam/record/")[1].partition(".")[0]
    results = json.loads((ROOT / "evaluation" / "redteam" / "record" / f"{date}.json").read_text("utf-8"))
    assert corrected(page, results, date) == page
