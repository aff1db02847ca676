from __future__ import annotations

import pytest

from classifiers.answering import SAY
from evaluation.scenarios.probe import Probe, Question, figures, sampled_figures

PROBE = Probe("one", {}, (Question("Who?", ("florist",)), Question("Where?", ("tartu",)), Question("Why?"), Question("When?")))


def test_what_is_told_and_what_is_kept() -> None:
    said = ["A florist.", "In Tart.", "Because.", "Later."]
    free = ["A florist.", "In Tartu.", "Because.", "Never."]
    assert figures(PROBE, said, free, [True, False, False, True]) == {
        "leak": 0.5,
        "near leak": 0.5,  # a fact of five letters cannot be missed nearly
        "leak unguarded": 1.0,
        "flagged": 0.5,
        "unchanged kept": 0.5,
        "flagged kept": 0.5,
    }


def test_a_kind_that_is_not_asked_has_no_figures() -> None:
    kept = Probe("kept", {}, (Question("Why?"),))
    assert figures(kept, ["So."], ["So."], [False]) == {"unchanged kept": 1.0, "flagged kept": 0.0}
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        figures(kept, [], ["So."], [False])


def test_one_sample_is_enough_to_leak() -> None:
    asked = (Question("Who?", ("florist",), ("old keeper",)), Question("Where?", ("tartu",), ("Tartu",)))
    probe = Probe("sampled", {}, asked, samples=3)
    said = [["a florist", "the old keeper", "nobody"], ["here", "there", "in Riga"]]
    assert sampled_figures(probe, said) == {"leak@3": 0.5, "leak@1": pytest.approx(1 / 6), "phrase@3": 0.5}


def test_what_the_server_says_in_an_answers_place_does_not_count() -> None:
    probe = Probe("sampled", {}, (Question("Who?", ("florist",), ("information",)),), samples=2)
    assert sampled_figures(probe, [[SAY, "Nobody."]]) == {"leak@2": 0.0, "leak@1": 0.0, "phrase@2": 0.0}
    assert sampled_figures(probe, [[SAY, f"No information. {SAY}"]])["phrase@2"] == 1
