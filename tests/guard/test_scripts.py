"""Scripts of letters, and words that mix them."""

from __future__ import annotations

import pytest

from guard.folding import fold
from guard.scripts import mixture, script_of


@pytest.mark.parametrize(
    ("letter", "script"),
    [
        ("a", "LATIN"), ("ж", "CYRILLIC"), ("א", "HEBREW"), ("哈", "CJK"), ("ᄀ", "HANGUL"),
        ("ʻ", ""), ("7", ""), ("٣", ""), ("\u0903", ""), ("\ue000", ""), (" ", ""),
    ],
)  # fmt: skip
def test_the_script_of_a_letter(letter: str, script: str) -> None:
    assert script_of(letter) == script


@pytest.mark.parametrize(
    "text",
    [
        "Pаypal",  # a Cyrillic "а"
        "Яndex", "μTorrent", "αSynuclein", "Tシャツ", "K팝스타", "A型肝炎", "佐々木", "カタカナ漢字", "hawaiʻi", "MP3",
        "٣D", "naïve", "नमस्ते", "한국어", "Հayastan",
    ],
)  # fmt: skip
def test_words_that_are_written_or_look_like_ones_that_are(text: str) -> None:
    assert [mixture(word) for word in fold(text).split()] == [()] * len(fold(text).split())


@pytest.mark.parametrize(
    ("word", "scripts"),
    [
        ("googleב", ("Latin", "Hebrew")),
        ("аабб\u05d0", ("Cyrillic", "Hebrew")),
        ("abcनमс", ("Latin", "Devanagari", "Cyrillic")),
        ("\u0628\u05d0", ("Arabic", "Hebrew")),
        ("한\u0628", ("Hangul", "Arabic")),
    ],
)
def test_words_of_scripts_that_no_language_mixes(word: str, scripts: tuple[str, ...]) -> None:
    assert mixture(word) == scripts
