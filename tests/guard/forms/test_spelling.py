from __future__ import annotations

import pytest

from guard.forms.names import folded_words
from guard.forms.spelling import arabic_prefixes, closed_up, spelled, umlauts, voiced


def texts(words: object) -> set[str]:
    return {" ".join(one) for one in words}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Jürgen Müller", {"juergen mueller"}),
        ("Anders Ångström", {"anders aangstroem"}),
        ("Søren Ødegaardsen", {"soeren oedegaardsen"}),
        ("Otto Mueller", {"otto muller"}),
        ("Marie Duquesne", set()),
        ("Harry Potter", set()),
    ],
)
def test_umlauts(name: str, other: set[str]) -> None:
    assert texts(umlauts(name, folded_words(name))) == other


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ("O'Hara Quil", {"ohara quil"}),
        ("O’Hara Quil", {"ohara quil"}),
        ("Jean-Lu O'Hara", {"jeanlu ohara", "jeanlu o hara", "jean lu ohara"}),
        ("D'Arvo", {"darvo"}),
        ("Ng'ang'a", {"nganga"}),
        ("Jean‑Lu Moreau", {"jeanlu moreau"}),  # a non-breaking hyphen
        ("We'll", set()),  # "well"
        ("We'll meet", set()),
        ("1949-02-03", set()),
        ("Harry Potter", set()),
        ("'Harry'", set()),
    ],
)
def test_closed_up(text: str, closed: set[str]) -> None:
    assert texts(closed_up(text)) == closed


def test_arabic_prefixes() -> None:
    made = texts(arabic_prefixes("علي الزهرداوي"))
    assert {"وعلي الزهرداوي", "فعلي الزهرداوي", "بعلي الزهرداوي", "لعلي الزهرداوي", "كعلي الزهرداوي"} <= made
    assert {" ".join(folded_words("للزهرداوي")), " ".join(folded_words("والزهرداوي"))} <= texts(arabic_prefixes("الزهرداوي"))
    assert texts(arabic_prefixes("Harry Potter")) == texts(arabic_prefixes("김하늘별")) == set()


@pytest.mark.parametrize(("one", "other"), [("ガードナー", "ｶﾞｰﾄﾞﾅｰ"), ("がば", "か\u3099は\u3099")])
def test_voiced_kana(one: str, other: str) -> None:
    assert folded_words(other) in list(voiced(one))
    assert folded_words(one) in list(voiced(other))
    assert folded_words("カートナー") not in list(voiced("ガードナー"))


@pytest.mark.parametrize(
    ("text", "apart"),
    [("1976", {"1 9 7 6"}), ("mary land", {"m a r y l a n d"}), ("ann", set()), ("a" * 33, set())],
)
def test_spelled(text: str, apart: set[str]) -> None:
    assert texts(spelled(tuple(text.split()))) == apart
