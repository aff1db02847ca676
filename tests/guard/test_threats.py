"""Rows of docs/threats.md that concern matching and no other test has by itself."""

from __future__ import annotations

import pytest

from guard import reference
from guard.folding import fold
from guard.phrase import Phrase

MARKS = ("\u200e", "\u200f", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "\u061c")


@pytest.mark.parametrize("mark", MARKS, ids=lambda mark: f"U+{ord(mark):04X}")
def test_o18_marks_of_direction_change_no_phrase(mark: str) -> None:
    """A phrase with marks is the phrase without them, and an answer cannot hide a phrase behind them."""
    listed = f"{mark}Siglu{mark}fjordur{mark}"
    assert fold(listed).strip() == fold("Siglufjordur")
    for phrase, said in ((listed, "Siglufjordur"), ("Siglufjordur", listed), ("שלום עולם", f"שלום{mark} עולם")):
        assert reference.occurrences(Phrase(phrase), reference.folded_stream([said.encode()]))
