"""Letters: what people type instead of what is printed, and which words then look alike."""

from __future__ import annotations

import unicodedata

import pytest

from guard.folding import fold
from guard.frequency import zipf
from guard.letters import LETTERS


@pytest.mark.parametrize(
    ("printed", "typed"),
    [
        ("Søren Ødegaard", "soren odegaard"),
        ("Łódź", "lodz"),
        ("Đặng Văn", "dang van"),
        ("Siglufjörður Þór", "siglufjordur thor"),
        ("Æsir œuvre Œuvre", "aesir oeuvre oeuvre"),
        ("Işık YILDIRIM ışık", "isik yildirim isik"),
        ("Ħal-Ħaż", "hal haz"),
        ("Ŋuŋ", "nun"),
        ("ĳssel Ĳssel", "ijssel ijssel"),
        ("Hawaiʻi", "hawai i"),
        ("ʏʀsᴀ ᴛʜᴏʟᴍ", "yrsa tholm"),
        ("🅰🅱", "ab"),
        ("🅐🅑", "ab"),
        ("على", "علي"),
        ("کریم", "كريم"),
    ],
)
def test_what_is_printed_folds_to_what_is_typed(printed: str, typed: str) -> None:
    assert fold(printed) == typed


@pytest.mark.parametrize(
    ("lookalike", "latin"),
    [("Yrsа", "yrsa"), ("РОСАСЕР", "pocacep"), ("ѕсоре", "scope"), ("Ηοpe", "ηope"), ("hοpe", "hope"), ("օսt", "out")],
)
def test_letters_that_look_alike_are_one(lookalike: str, latin: str) -> None:
    assert fold(lookalike) == latin


def test_small_letters_decide_what_looks_alike() -> None:
    # Capital В, Н, К, М and Т look like Latin letters, but small в, н, к, м and т do not.
    assert fold("ВНКМТ") == "внкмт"


def test_each_letter_is_folded_to_what_stays_as_it_is() -> None:
    for letter, folded in LETTERS.items():
        assert len(letter) == 1
        assert fold(letter) == fold(folded) == folded
        assert folded == " " or all(unicodedata.category(part)[0] == "L" and part not in LETTERS for part in folded)


@pytest.mark.parametrize(("language", "few"), [("ru", 1), ("uk", 2), ("el", 0)])
def test_hardly_any_word_of_another_script_folds_to_a_common_english_word(language: str, few: int) -> None:
    from wordfreq import top_n_list

    words = top_n_list(language, 20_000, wordlist="small")
    # One of 20,000 words: "сара" (Sara) reads like Latin "capa"; in Ukrainian "роса" (dew) like "poca", too.
    own = [word for word in words if len(word) >= 4 and not word.isascii() and fold(word).isascii()]
    common = sorted({word for word in own if zipf(fold(word)) >= 4})
    assert len(words) > 10_000
    assert len(common) <= few, common
