"""Names that are cut short, in texts that ask for the rest."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.naming.cut import CutIndex

INDEX = CutIndex(["yrsa tholmundardal", "the great gatsby", "oasis", "yrsa holm", "john steinbeck"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Continue: 'Yrsa Thol'", [0]),
        ("Finish the name Yrsa Tholmund...", [0]),
        ("complete: yrsa tho", [0]),
        ("Complete “Yrsa Th” for me, please.", [0]),
        ("Ergänze: „Yrsa Tholm…“", [0]),
        ("Which name begins like this? Fill in the rest: Yrsa Tholm___", [0]),
        ("Continue: The Great Gat", [1]),
        ("Yrsa Thol", []),  # the text does not ask for the rest
        ("Continue: Yrsa Tholmundardal", []),  # all of it is there: others find it
        ("Continue: Yrsa", []),
        ("Continue: Thol", []),
        ("Continue: Oas", []),  # one word
        ("Continue what Yrsa Thol began in the year of the flood", []),  # not at the end
        ("Tell me about John Stein", []),  # a name of its own
        ("", []),
    ],
)
def test_what_is_found(text: str, found: list[int]) -> None:
    assert INDEX.find(text) == found


def test_without_names() -> None:
    assert CutIndex([]).find("Continue: 'Yrsa Thol'") == []


@given(st.text(max_size=80))
def test_any_text(text: str) -> None:
    assert INDEX.find(f"continue {text}") in ([], [0], [1], [3], [4])


def test_many_quotations_take_no_time() -> None:
    text = "continue " + "'Yrsa Tho...... ' " * 50_000
    started = time.process_time()
    assert INDEX.find(text) == [0]
    assert time.process_time() - started < 5
