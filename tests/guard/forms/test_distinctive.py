from __future__ import annotations

import pytest

from guard.folding import fold
from guard.forms.distinctive import distinctive_words, is_distinctive
from guard.forms.names import split_name


# The table of the cut: commonness (Zipf in the language that uses the word most) is the comment.
@pytest.mark.parametrize(
    ("word", "last", "distinctive"),
    [
        ("tholmundardal", True, True),  # 0
        ("tholmundardal", False, True),
        ("rowling", True, True),  # 3.3
        ("hermione", False, True),  # 3.4
        ("joanne", False, True),  # 3.5
        ("albert", False, False),  # 4.5
        ("harry", False, False),  # 4.9
        ("mary", False, False),  # 4.8
        ("einstein", True, True),  # 4.2
        ("einstein", False, False),
        ("potter", True, True),  # 4.3, in English 4.1: the commonest English word that is one
        ("fry", True, True),  # 3.9
        ("macron", True, True),  # 4.9, in English 3.0
        ("merkel", True, True),  # 4.8
        ("obama", True, True),  # 4.9
        ("washington", True, False),  # 5.1
        ("baker", True, False),  # 4.2, a common surname
        ("smith", True, False),  # 4.9
        ("garcia", True, False),
        ("ivanov", True, False),
        ("bell", True, False),  # 4.6
        ("trump", True, False),  # 4.9, an English word
        ("will", True, False),  # 6.5
        ("price", True, False),  # 5.2
        ("james", True, False),
        ("van", True, False),  # a particle
        ("lord", True, False),  # a title
        ("li", True, False),  # too short
        ("ахматова", True, True),
        ("анна", False, False),
        ("الزهرداوي", True, True),
        ("علي", True, False),  # short, and how frequent it is is not known
        ("الزهرداوي", False, False),
    ],
)
def test_cut(word: str, last: bool, distinctive: bool) -> None:
    assert is_distinctive(fold(word), last) is distinctive


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Albert Einstein", ["einstein"]),
        ("Harry Potter", ["potter"]),
        ("Hermione Granger", ["granger", "hermione"]),
        ("Will Price", []),
        ("Dr. Ludwig van Beethoven", ["beethoven"]),
        ("O'Hara Quil", ["quil", "o hara"]),
        ("Lord Voldemort", ["voldemort"]),
        ("", []),
    ],
)
def test_distinctive_words_of_a_name(name: str, words: list[str]) -> None:
    assert [" ".join(found) for found in distinctive_words(split_name(name))] == words
