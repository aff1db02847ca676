from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.naming.names import is_specific, specificity, variants
from classifiers.words import zipf
from guard.folding import fold
from guard.phrase import Phrase


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("Hsiao Yun-Hwa", {"yun hwa hsiao", "hsiao yunhwa", "h yun hwa", "yh hsiao", "hsiao yun hwas"}),
        ("Hsiao, Yun-Hwa", {"yun hwa hsiao"}),
        ("J. K. Rowling", {"jk rowling", "rowling j k", "j k rowlings"}),
        ("Joanne Kathleen Rowling", {"j k rowling", "jk rowling", "joanne k rowling", "joanne rowling", "j kathleen rowling"}),
        ("Ludwig van Beethoven", {"van beethoven ludwig", "ludwig beethoven", "ludwig van beethovens"}),
        (
            "Basil Mahfouz Al-Kuwaiti",
            {"basil al kuwaiti", "al kuwaiti basil mahfouz", "basil m al kuwaiti", "basil mahfouz kuwaiti"},
        ),
        ("Patrick Ryan O'Donnell", {"patrick ryan odonnell", "patrick o donnell", "o donnell patrick ryan"}),
        ("Dr. Ada Brill", {"ada brill", "brill ada", "ada brills"}),
        ("Doctor Ada Brill", {"ada brill"}),
    ],
)
def test_made(name: str, made: set[str]) -> None:
    assert made <= set(variants(name))


@pytest.mark.parametrize(
    ("name", "not_made"),
    [
        ("John Smith", {"smith john", "j smith", "smith", "john"}),
        ("Thomas James", {"james thomas"}),  # another man
        ("Hsiao Yun-Hwa", {"hsiao", "yun hwa", "y hsiao"}),
        ("Patrick Ryan O'Donnell", {"patrick ryan", "rod patrick"}),
        ("Wei-Jun Chen", {"w chen", "wj chen"}),
        ("Dr. Glass", {"glass", "dr glasss"}),
        ("Jina An", {"an jina"}),
        ("Brill", {"brills"}),
        ("Will", {"wills"}),
        ("The Glass Orchard", {"orchard the glass", "glass orchard"}),
        ("World War II", {"world war", "ww ii", "war ii world"}),
        ("José Núñez-Quill", {"jose nunez", "jose quill"}),
    ],
)
def test_not_made(name: str, not_made: set[str]) -> None:
    assert not not_made & set(variants(name))


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


@given(st.text(st.sampled_from("abc de.,'-é的 I"), max_size=30))
def test_any_text(name: str) -> None:
    made = variants(name)
    assert len(made) == len(set(made))
    assert " ".join(fold(name).split()) not in made
    for variant in made:
        assert Phrase(variant, force=True).folded == variant
