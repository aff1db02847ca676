"""Which innocent answers hold a form of a name."""

from __future__ import annotations

import pytest

from evaluation.data import BOOKS, TOFU, missing
from evaluation.overblocking.measure import Finder, forms, innocent, measure, table
from guard.folding import StreamFolder
from guard.form import Form
from guard.phrase import Phrase


def finds(finder: Finder, text: str) -> bool:
    return finder.finds(StreamFolder(" ").feed(text.encode()))


def test_a_finder_reads_as_the_guard_does() -> None:
    finder = Finder.of([Phrase("Frank Cotter", "gated")])
    assert finds(finder, "Was it FRANK COTTER?")
    assert not finds(finder, "To be frank. Cotter pins are cheap.")
    assert not finds(finder, "Frank James Cotter")


def test_a_finder_knows_gaps_and_endings() -> None:
    finder = Finder.of([Form("harry potter", "gated", kind="middle", gap=True, ending=True)])
    assert finds(finder, "Harry James Potter")
    assert finds(finder, "the Harry Potters of this world")
    assert not finds(finder, "Harry and James met Potter")


def test_forms_are_grouped_by_scope_and_kind() -> None:
    made = forms(["Albert Einstein", "Frank Cotter"])
    assert [form.text for form in made["gated word"]].count("einstein") == 1
    assert {form.scope for form in made["always order"]} == {"always"}
    # A name of ordinary words is gated, and so are its forms.
    assert any("cotter" in form.text for form in made["gated order"])


def test_an_answer_counts_once_per_kind_and_not_if_it_holds_the_name() -> None:
    answers = [
        ("a", "Einstein and Einstein's wife"),
        ("a", "Albert Einstein, that is Einstein, Albert"),
        ("b", "It is warm."),
        ("b", "Einstein, Albert: Relativity"),
    ]
    found = measure(["Albert Einstein"], answers)
    assert found["answers"] == {"a": 1, "b": 2}
    assert found["kinds"]["gated word"]["hits"] == {"a": 1, "b": 1}
    assert found["kinds"]["gated word"]["share"] == pytest.approx(2 / 3)
    assert found["kinds"]["always order"]["hits"] == {"b": 1}
    assert found["kinds"]["always order"]["examples"] == ["einstein albert"]
    assert "of 3 answers without any of the 1 names" in table(found)


@pytest.mark.skipif(bool(missing(TOFU) or missing(BOOKS)), reason=missing(TOFU) or missing(BOOKS))
def test_innocent_answers_are_of_four_sets() -> None:
    assert {source for source, _ in innocent(small=True)} == {"retain90", "world_facts", "real_authors", "novels"}
