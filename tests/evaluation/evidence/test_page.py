from __future__ import annotations

import re

from evaluation.evidence.page import COLUMNS, columns, costs, newest, page
from tests.evaluation.evidence.tables import table

SPEED = {
    "steps": {
        "131k": [
            {"phrases": 10, "batch": 1, "p50": 12.0},
            {"phrases": 100, "batch": 1, "p50": 21.0},
            {"phrases": 100, "batch": 64, "p50": 50.0},
        ]
    },
    "rivals": {"131k": {"naive": [], "vllm bad_words": [{"phrases": 10, "batch": 1, "median_us": 5.0}]}},
}
KINDS = {"kinds": {"plain": {"success": 0.0, "unguarded": 1.0}}}


def test_the_page_needs_nothing_from_elsewhere() -> None:
    found = page(table(), "TOFU; seed 0.", {"people": KINDS, "known": KINDS}, SPEED)
    assert not re.search(r"""(src|href)=["'](?!#)""", found)
    assert found.count("<svg") == 5
    assert "TOFU; seed 0." in found
    assert '<td class="missed">missed</td>' in found
    assert "<td>leak of <code>abstain</code></td>" in found
    assert "0.01 ± 0.01" in found


def test_without_the_other_records_their_plots_are_left_out() -> None:
    assert page(table(), "TOFU.").count("<svg") == 2


def test_a_probe_has_other_columns_than_tofu() -> None:
    assert columns(table(), "forget10").items() <= COLUMNS.items()
    assert list(columns(table(), "one by one/1")) == ["leak", "unchanged kept", "flagged kept"]


def test_what_a_step_costs_with_most_phrases() -> None:
    assert costs(SPEED) == {"guard-server, 100 phrases": 21.0, "vllm bad_words, 10 phrases": 5.0}


def test_the_newest_record_of_each_part_can_be_drawn() -> None:
    redteam, speed = newest("redteam"), newest("speed")
    assert redteam
    assert speed
    assert page(table(), "TOFU.", redteam, speed).count("<svg") == 5
    assert newest("evidence/none") is None
