from __future__ import annotations

import pytest

from guard.forms.names import folded_words, is_specific, specificity, split_name
from guard.frequency import zipf


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Hsiao, Yun-Hwa", ["yun hwa", "hsiao"]),
        ("Dr. Ludwig van Beethoven", ["ludwig", "van beethoven"]),
        ("Patrick O'Donnell Jr.", ["patrick", "o donnell"]),
        ("J. K. Rowling", ["j", "k", "rowling"]),
    ],
)
def test_a_name_has_parts_with_the_given_name_first(name: str, parts: list[str]) -> None:
    assert [" ".join(part.full) for part in split_name(name)] == parts


def test_folded_words_have_no_dots() -> None:
    assert folded_words("J.K. Rowling") == ("j", "k", "rowling")


@pytest.mark.parametrize(
    ("words", "initials", "specific"),
    [
        ("yun hwa hsiao", 0, True),
        ("beethoven ludwig", 0, True),
        ("smith john", 0, False),
        ("james thomas", 0, False),
        ("beethoven", 0, False),
        ("j k rowling", 2, True),
        ("jk rowling", 2, True),
        ("j r smith", 2, False),
        ("k rowling", 1, False),
        ("k mammadova", 1, True),  # long and rare
        ("a s rowling", 2, False),  # "a's": letters that stand alone in any text
        ("h yun hwa", 1, True),
        ("j k", 2, False),
    ],
)
def test_specific(words: str, initials: int, specific: bool) -> None:
    assert is_specific(words.split(), initials) is specific


def test_specificity_adds_up_and_knows_several_languages() -> None:
    assert specificity(["hsiao"]) > specificity(["smith"]) > specificity(["the"])
    assert specificity(["von", "hsiao"]) == specificity(["hsiao"])
    assert specificity([]) == specificity(["s"]) == 0
    assert zipf("und") > 5
    assert zipf("qqzzxx") < 3
