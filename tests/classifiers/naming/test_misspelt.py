from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.naming.misspelt import MisspeltIndex

NAMES = ["frozen", "legend of zelda", "spirited away", "lord of the rings", "squid game", "dune", "zelda"]
INDEX = MisspeltIndex(NAMES)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("who sings in frozn", {("frozen", 3, 4)}),
        ("the leged of zleda", {("legend of zelda", 1, 4), ("zelda", 3, 4)}),
        ("legend of zleda", {("legend of zelda", 0, 3), ("zelda", 2, 3)}),
        ("spritied away", {("spirited away", 0, 2)}),
        ("spritied home", set()),
        ("is teh lord of teh rigns", {("lord of the rings", 2, 6)}),
        ("lord of teh rigns", {("lord of the rings", 0, 4)}),
        ("sqid gmae cast", {("squid game", 0, 2)}),
        ("frozen", set()),  # no error
        ("dume", set()),  # too short
        ("dnue", {("dune", 0, 1)}),  # exchanged
        ("zebra", set()),
        ("grozen", set()),  # another first letter
        ("", set()),
    ],
)
def test_found(text: str, found: set[tuple[str, int, int]]) -> None:
    assert {(NAMES[index], first, end) for index, first, end in INDEX.find(text.split())} == found


def test_a_known_word_is_no_error() -> None:
    assert list(MisspeltIndex(["spirits", "haste"]).find(["spirit", "hates", "taste"])) == []


def test_no_names_and_long_texts() -> None:
    assert list(MisspeltIndex([]).find(["frozn"])) == []
    assert len(list(INDEX.find(["x" * 100_000, "frozn"] * 1_000))) == 1_000


@given(st.sampled_from(["frozen", "legend", "zelda", "spirited", "squid", "rings"]), st.data())
def test_every_exchange_of_neighbours_after_the_first_letter_is_found(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(1, len(word) - 2))
    wrong = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    found = [index for index, _, _ in MisspeltIndex([f"{word} qqqq"]).find([wrong, "qqqq"])]
    assert found == ([0] if wrong != word else [])
