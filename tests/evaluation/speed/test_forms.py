"""What forms cost."""

from __future__ import annotations

import pytest

from evaluation.speed import forms
from guard import Phrase, Restriction
from guard.form import Form


def test_nodes_are_those_of_all_automata() -> None:
    restriction = Restriction.compile([Phrase("Harry Potter"), Form("harry potter", kind="middle", gap=True)])
    assert restriction.gaps is not None
    assert forms.nodes(restriction) == 14 + 12 + 14  # " harry potter", "harrypotter", " harry potter", with a root each


@pytest.mark.slow
def test_forms_cost_nodes_and_leave_steps_as_they_are() -> None:
    found = forms.measure(30, 60)
    assert found["with"]["phrases"] > found["without"]["phrases"] == 30
    assert found["without"]["gated"] == 0 < found["with"]["gated"]
    assert found["nodes_ratio"] > 1
    assert found["with"]["p50"] > 0
    assert "with / without: nodes" in forms.table(found)
