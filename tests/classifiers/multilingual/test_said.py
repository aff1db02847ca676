"""What prompts in other languages say of a target in letters and sounds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers import Example
from classifiers.multilingual.said import NAMES, Said
from classifiers.profile.profile import Profile
from tests.classifiers.conftest import a_target

WELL = 0.5
BAND = a_target(
    "band",
    "Brillovska",
    aliases=["Oasis"],
    phrases=[{"text": "Lars Ekholm", "scope": "gated"}],
    examples=[Example(prompt="Who sings?", completion="The band of Lars Ekholm comes from Uppsala.")],
)


def said(text: str) -> dict[str, float]:
    return dict(zip(NAMES, Said(text).of(BAND.names, Profile(BAND)).tolist(), strict=True))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Björk", "Ποια είναι η Μπιορκ;"),
        ("Björk", "ビョークのアルバムを教えてください。"),
        ("Unicef", "ユニセフはいつできましたか？"),
        ("Matrix", "من أخرج فيلم ماتريكس؟"),
        ("Imagine", "존 레논의 이매진은 어떤 노래인가요?"),
    ],
)
def test_short_names_are_heard(name: str, text: str) -> None:
    assert Said(text).heard(name) >= WELL


@pytest.mark.parametrize("text", ["Сколько стоит хлеб?", "犬が病気です。", "Who is Björk?", ""])
def test_other_words_are_not(text: str) -> None:
    assert Said(text).heard("Björk") == 0


def test_what_is_heard_in_another_script() -> None:
    found = said("Когда Ларс Экхольм пришёл в группу Брилловска?")
    assert found["heard"] >= WELL
    assert 0 < found["heard x length"] <= found["heard"]
    assert found["heard ordinary"] < WELL
    assert found["proper names"] >= found["best proper name"] > 0
    assert found["read named"] == found["read"] == 0


def test_an_ordinary_word_as_a_name_is_apart() -> None:
    found = said("Где находится оазис Сива?")
    assert found["heard ordinary"] >= WELL
    assert found["heard"] < WELL


def test_what_is_read_in_latin_script() -> None:
    found = said("Wann kam Ekholm zu Brillovska?")
    assert found["heard"] == found["heard ordinary"] == 0
    assert found["proper names"] > 0
    assert found["read"] > found["read named"] > 0


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    found = said(text)
    assert all(0 <= value <= 3 for value in found.values())
