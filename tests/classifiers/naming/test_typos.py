from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import DamerauLevenshtein

from classifiers.naming.typos import LONGEST, Typo, TypoIndex, errors_allowed, is_error_of

NAMES = ["hsiao yun hwa", "basil mahfouz al kuwaiti", "john smith", "ada brill", "brill", "edward patrick sullivan"]


def reference(names: Sequence[str], folded: str, real_words: bool = True) -> list[Typo]:
    """Return what `TypoIndex(names, real_words).find(folded)` should, by comparing every run of words with every name."""
    words, least = folded.split(), dict[int, int]()
    most = 1 + max((name.count(" ") + 1 for name in names), default=0)
    for run in _runs(words, most):
        for index, name in enumerate(names):
            letters = name.replace(" ", "")
            distance = DamerauLevenshtein.distance(run.replace(" ", ""), letters)
            allowed = errors_allowed(len(letters))
            if run in names or not allowed or len(letters) > LONGEST or distance > allowed:
                continue
            if distance < least.get(index, 3) and is_error_of(run, name, real_words):
                least[index] = distance
    return [Typo(index, distance) for index, distance in sorted(least.items())]


def _runs(words: Sequence[str], most: int) -> Iterator[str]:
    for start in range(len(words)):
        for end in range(start + 1, min(start + most, len(words)) + 1):
            yield " ".join(words[start:end])


@pytest.fixture(scope="module")
def index() -> TypoIndex:
    return TypoIndex(NAMES)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("who is hsaio yun hwa", [Typo(0, 1)]),  # exchanged
        ("who is hsio yun hwa", [Typo(0, 1)]),  # missing
        ("who is hsiiao yun hwa then", [Typo(0, 1)]),  # doubled
        ("who is hsiao yun hva", [Typo(0, 1)]),  # wrong
        ("who is hsaio yun hva", []),  # two errors in eleven letters
        ("hsiaoyunhwa", [Typo(0, 0)]),
        ("hsi ao yun hwa", [Typo(0, 0)]),
        ("basil mahfuz al kuwaity", [Typo(1, 2)]),
        ("basil mahfuz al kuwety", []),
        ("basil mahfouz al kuwait", [Typo(1, 1)]),  # a country, but the rest is specific
        ("joan smith", []),
        ("john smyth", [Typo(2, 1)]),
        ("adabrill", []),  # eight letters are not found in other word divisions
        ("ada brilll", [Typo(3, 1)]),
        ("brll", []),
        ("hsiao yun hwa", []),  # no error
        ("the parents of edwrad patrik sullivan", [Typo(5, 2)]),
        ("", []),
    ],
)
def test_found(index: TypoIndex, text: str, found: list[Typo]) -> None:
    assert index.find(text) == found == reference(NAMES, text)


def test_exact_names_on_demand() -> None:
    assert TypoIndex(NAMES, exact=True).find("is hsiao yun hwa here") == [Typo(0, 0)]


def test_a_listed_name_is_no_error_of_another() -> None:
    names = ["ada brilla", "ada brillo"]
    assert TypoIndex(names).find("ada brilla") == []
    assert TypoIndex(names).find("ada brillx") == [Typo(0, 1), Typo(1, 1)]


def test_a_name_without_its_initial_is_no_error() -> None:
    assert not is_error_of("ransome kuti", "o ransome kuti", True)
    assert not is_error_of("ransome kuti", "ransome kuti o", True)
    assert not is_error_of("ransome kuti", "o ransomekuti", True)
    assert is_error_of("oransome kuti", "o ransome kuti", True)


def test_lone_letters_beside_a_name() -> None:
    assert not is_error_of("a hsiao yun hwa", "hsiao yun hwa", True)
    assert is_error_of("hsiao yun hw", "hsiao yun hwa", True)


@pytest.mark.parametrize(("letters", "errors"), [(7, 0), (8, 1), (13, 1), (14, 2), (60, 2)])
def test_errors_allowed(letters: int, errors: int) -> None:
    assert errors_allowed(letters) == errors


def test_no_names_and_long_words() -> None:
    assert TypoIndex([]).find("anything") == []
    assert TypoIndex(["ab"]).find("ab") == []
    assert TypoIndex(NAMES).find("x" * 100_000 + " hsaio yun hwa " + "y" * 100_000) == [Typo(0, 1)]
    assert TypoIndex(["a" * 500]).find("a" * 500) == []


WORDS = st.lists(st.text("abc", min_size=1, max_size=7), min_size=1, max_size=3).map(" ".join)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=5), st.lists(WORDS, max_size=5).map(" ".join), st.booleans(), st.randoms())
def test_equals_the_reference(names: list[str], text: str, real_words: bool, rng: random.Random) -> None:
    # Names with a few letters changed, so that there is something to find.
    mangled = [_mangled(name, rng) for name in names]
    text = " ".join(" ".join([text, *mangled]).split())
    assert TypoIndex(names, real_words).find(text) == reference(names, text, real_words)


def _mangled(name: str, rng: random.Random) -> str:
    for _ in range(rng.randrange(4)):
        at = rng.randrange(len(name) + 1)
        name = rng.choice(
            [name[:at] + name[at + 1 :], name[:at] + "b" + name[at:], name[:at] + name[at : at + 2][::-1] + name[at + 2 :]]
        )
    return name
