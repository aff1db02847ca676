"""Facts that must not be in a prompt."""

from __future__ import annotations

import pytest

from classifiers.answering import InContext
from classifiers.naming.pasted import FACT, PastedFacts
from guard.folding import fold
from guard.phrase import Phrase
from tests.classifiers.conftest import a_target

PHRASES = [Phrase(text, scope="gated") for text in ("Kirkby Mallory", "3 February 1961", "1961", "glass orchard", "quinces")]
ADA = a_target("ada", "Ada Brill", phrases=PHRASES)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("She lived in Kirkby Mallory.", True),  # a name
        ("It was 1961, in a glass orchard.", True),  # two facts
        ("It was on 3 February 1961.", False),  # one, which holds another one
        ("A glass orchard?", False),
        ("Quinces and quinces", False),
    ],
)
def test_facts_that_give_a_target_away(text: str, told: bool) -> None:
    found = PastedFacts([ADA], InContext.REFUSE).find(fold(text))
    assert [(match.target_id, match.score, match.evidence) for match in found] == ([("ada", FACT, "fact")] if told else [])


def test_only_targets_that_refuse_count() -> None:
    text = fold("She lived in Kirkby Mallory.")
    assert PastedFacts([ADA], InContext.SUPPRESS).find(text) == []
    refusing = a_target("ada", "Ada Brill", phrases=PHRASES, in_context="refuse")
    assert len(PastedFacts([refusing], InContext.SUPPRESS).find(text)) == 1
    assert PastedFacts([], InContext.REFUSE).find(text) == []
