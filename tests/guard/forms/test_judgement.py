from __future__ import annotations

import pytest

from guard.forms.judgement import looks_like_name, made_of_ordinary_words


@pytest.mark.parametrize(
    ("name", "ordinary"),
    [
        ("Will Price", True),
        ("Frank Cotter", True),
        ("Chase Banks", True),
        ("Justin Case", True),  # "just in case"
        ("Mark Stone", True),
        ("Dr. Will Price", True),
        ("The Glass Orchard", True),
        ("Glass", True),
        ("Albert Einstein", False),
        ("Harry Potter", False),
        ("Hermione Granger", False),
        ("Rose Marie", False),
        ("Mary Land", False),
        ("Ali Cante", False),
        ("Art Ichokes", False),
        ("Theo Retical", False),
        ("Barack Obama", False),
        ("Yrsa Tholmundardal", False),
        ("Алёна Верещагинцева", False),
        ("김하늘별", False),
        ("...", False),
    ],
)
def test_made_of_ordinary_words(name: str, ordinary: bool) -> None:
    assert made_of_ordinary_words(name) is ordinary


@pytest.mark.parametrize(
    ("text", "like"),
    [
        ("Albert Einstein", True),
        ("J. K. Rowling", True),
        ("Ludwig van Beethoven", True),
        ("Bloggsvik, Fredrik", True),
        ("Алёна Верещагинцева", True),
        ("The Glass Orchard", False),
        ("Glass Orchard", False),
        ("Will Price", False),
        ("Einstein", False),
        ("Port Velmont", False),
        ("Los Angeles", False),
        ("Tholm University", False),
        ("born in Tholm", False),
        ("3 February 1949", False),
        ("A Very Long Name Indeed", False),
        ("علي الزهرداوي", False),  # no capitals
        ("- -", False),
    ],
)
def test_looks_like_name(text: str, like: bool) -> None:
    assert looks_like_name(text) is like
