from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.naming.titles import title_variants
from guard.folding import fold
from guard.phrase import Phrase


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("The Lord of the Rings", {"lord of the rings", "lord of rings", "lord in the rings"}),
        ("Girl with a Pearl Earring", {"girl with the pearl earring", "girl with pearl earring", "girl in a pearl earring"}),
        (
            "One Hundred Years of Solitude",
            {"100 years of solitude", "a hundred years of solitude", "one hundred years of the solitude"},
        ),
        ("12 Monkeys", {"twelve monkeys"}),
        ("The Matrix", {"matrix"}),
        ("Die Eiskönigin", {"eiskonigin"}),
    ],
)
def test_made(name: str, made: set[str]) -> None:
    assert made <= set(title_variants(name))


@pytest.mark.parametrize("name", ["Dune", "Seven", "The It", "The Who", "Breaking Bad", "Ada Brill"])
def test_none(name: str) -> None:
    assert title_variants(name) == ()


def test_the_form_without_the_article_comes_first() -> None:
    assert title_variants("The Lord of the Rings")[0] == "lord of the rings"


@given(
    st.lists(st.sampled_from(["the", "a", "of", "in", "rings", "lord", "one", "hundred", "12", "é", "的"]), max_size=40).map(
        " ".join
    )
)
def test_any_text(name: str) -> None:
    made = title_variants(name)
    assert len(made) == len(set(made)) <= 48
    assert " ".join(fold(name).split()) not in made
    for variant in made:
        assert Phrase(variant, force=True).folded == variant
