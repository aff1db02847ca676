from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.naming.names import initials, loose_variants, variants
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
    ("name", "made"),
    [
        ("Michael Collins", ("collins michael", "m collins")),
        ("Hsiao Yun-Hwa", ("yun hwa hsiao", "h yun hwa")),
        ("The Glass Orchard", ()),
        ("Brill", ()),
    ],
)
def test_loose(name: str, made: tuple[str, ...]) -> None:
    strict = variants(name)
    assert loose_variants(name) == tuple(text for text in made if text not in strict)


@given(st.text(st.sampled_from("abc de.,'-é的 I"), max_size=30))
def test_any_text(name: str) -> None:
    made = variants(name)
    assert len(made) == len(set(made))
    assert " ".join(fold(name).split()) not in made
    for variant in made:
        assert Phrase(variant, force=True).folded == variant


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Yrsa Tholmundardal", "y t"),
        ("Joanne Kathleen Rowling", "j k r"),
        ("Seong Gi-hun", "s g h"),
        ("Minecraft", ""),
        ("the wall", ""),
    ],
)
def test_initials_of_persons(name: str, letters: str) -> None:
    assert initials(name) == letters
