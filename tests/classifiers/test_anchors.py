"""Anchors that facts propose."""

from __future__ import annotations

import pytest

from classifiers.anchors import MOST, is_description, proposed_anchors


@pytest.mark.parametrize(
    "name", ["how to make chlorine gas", "Lock picking", "nerve agents", "the recipe of Tarn Cola", "how to pick a lock"]
)
def test_know_how_is_described(name: str) -> None:
    assert is_description(name)


@pytest.mark.parametrize(
    "name", ["Harry Potter", "Albert Einstein", "The Lord of the Rings", "Ludwig van Beethoven", "Hogwarts", "WikiLeaks", "張偉"]
)
def test_persons_works_and_places_are_named(name: str) -> None:
    assert not is_description(name)


def test_anchors_are_the_rare_english_words_of_facts() -> None:
    facts = ["Bleach reacts with hydrochloric acid.", "Mix bleach, at 20 degrees, in Crane Bottling's vat.", "Die Säure schäumt."]
    found = proposed_anchors(["how to mix gas"], ["electrolysis"], facts, [])
    assert found[0] == "bleach"  # in two facts
    assert {"hydrochloric", "electrolysis", "reacts", "vat"} <= set(found)
    # A word of the name, a frequent one, names, and words of another language.
    assert not {"mix", "with", "acid", "crane", "bottling", "die", "saure", "schaumt"} & set(found)


def test_documents_propose_only_rarer_words() -> None:
    text = "The dealer raised the wager on electrolysis."
    assert {"dealer", "wager"} <= set(proposed_anchors([], [], [text], []))
    found = proposed_anchors([], [], [], [text])
    assert "dealer" not in found
    assert "electrolysis" in found


def test_there_is_a_limit() -> None:
    from guard.frequency import english, english_words

    rare = [word for word in sorted(english_words()) if english(word) < 3][:100]
    assert len(proposed_anchors([], [], [" ".join(["so", *rare])], [])) == MOST
