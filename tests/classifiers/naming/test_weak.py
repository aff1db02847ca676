from __future__ import annotations

import pytest

from classifiers.naming.weak import is_name, is_title, is_weak
from classifiers.naming.written import Written


@pytest.mark.parametrize("name", ["dune", "frozen", "breaking bad", "things fall apart", "the lord of the rings", "origen", "12"])
def test_weak(name: str) -> None:
    assert is_weak(name)


@pytest.mark.parametrize(
    "name",
    ["voltaire", "einstein", "minecraft", "toyota", "ada brill", "one hundred years of solitude", "girl with a pearl earring"],
)
def test_strong(name: str) -> None:
    assert not is_weak(name)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Dune", True),
        ("The Lord of the Rings", True),
        ("SIM swapping", False),
        ("making ricin", False),
        ("shell", False),
        ("龙", True),
    ],
)
def test_titles(name: str, title: bool) -> None:
    assert is_title(name) is title


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Who broke Breaking Bad up?", True),
        ("Who is breaking Bad rules?", False),
        ("Breaking Bad was long", True),  # the second word is not at the beginning
        ("Breaking bad rules was fun", False),
        ("breaking bad", True),
        ("is it about breaking bad", True),
        ("breaking bad habits", False),
        ("'Breaking Bad'", True),
    ],
)
def test_occurrences_of_a_weak_name(text: str, named: bool) -> None:
    written = Written(text)
    at = written.words.index("breaking")
    assert is_name(written, at, at + 2, True, frozenset) is named


def test_a_strong_name_is_in_doubt_only_in_a_longer_one() -> None:
    assert is_name(Written("is zelda fun"), 1, 2, False, frozenset)
    assert not is_name(Written("Was Zelda Fitzgerald fun?"), 1, 2, False, frozenset)
    assert is_name(Written("Was Zelda Fitzgerald fun?"), 1, 2, False, lambda: {"fitzgerald"})
    assert is_name(Written("Was Zelda Fitzgerald Fun"), 1, 2, False, frozenset)  # Title Case


@pytest.mark.parametrize(
    ("text", "words", "named"),
    [
        ("how many pages does the lord of the rings have", (4, 9), True),
        ("is spirited away scary for kids", (1, 3), True),
        ("Was the treasure spirited away by night?", (3, 5), False),
        ("how do i stop breaking bad habits", (4, 6), False),
        ("is the pond frozen by now", (3, 4), False),
    ],
)
def test_small_letters_say_nothing_in_a_text_without_capitals(text: str, words: tuple[int, int], named: bool) -> None:
    assert is_name(Written(text), *words, True, tuple) is named


@pytest.mark.parametrize(
    ("text", "named"),
    [("Is the WHO rich?", True), ("Was the Who loud?", False), ("was the who loud", False), ("'Who'", True)],
)
def test_an_abbreviation_is_written_in_capitals(text: str, named: bool) -> None:
    written = Written(text)
    at = written.words.index("who")
    assert is_name(written, at, at + 1, True, frozenset, in_capitals=True) is named
