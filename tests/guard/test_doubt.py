"""Which phrases need to be forced, and which ones that look like them do not."""

from __future__ import annotations

import pytest

from guard.doubt import doubt
from guard.errors import PhraseError
from guard.folding import fold
from guard.phrase import Phrase

TOO_SHORT = ["x", "7", "²", "C++", "C#", "+1", "R&D", "A/B", "R. D.", "東", "김", "김-이", "あ", "カ", "कि", "ดี", "é", "й"]
LONG_ENOUGH = [
    "xy", "42", "C++ Builder", "R&D department", "東京", "김이", "あい", "J. R. R.", "J. R. R. Tolkien", "U.S.A.", "C2", "กข",
    "किताब", "ß", "x 10", "ﬁ", "AT&T Corp",
]  # fmt: skip


@pytest.mark.parametrize("text", TOO_SHORT)
@pytest.mark.parametrize("match", ["word", "prefix", "substring"])
def test_one_letter_or_two_apart_need_to_be_forced(text: str, match: str) -> None:
    with pytest.raises(PhraseError, match=r"compares letters and digits alone.*write a longer one.*or set force"):
        Phrase(text, match=match)  # type: ignore[arg-type]
    assert Phrase(text, match=match, force=True).folded  # type: ignore[arg-type]


@pytest.mark.parametrize("text", LONG_ENOUGH)
def test_longer_phrases_do_not(text: str) -> None:
    assert Phrase(text).folded


@pytest.mark.parametrize("text", ["Vel\u0007mont", "\u0000xyz", "tea\x7f cup", "Vel\u009bmont"])
def test_a_control_character_is_not_meant(text: str) -> None:
    with pytest.raises(PhraseError, match="control character: remove it"):
        Phrase(text)
    assert Phrase(text, force=True).folded


@pytest.mark.parametrize(
    "text", ["Port Velmont\n", "Port\tVelmont", "Port\r\nVelmont", "Port\x85Velmont", "Vel\u00admont", "Vel\u200bmont"]
)
def test_white_space_and_what_folding_leaves_out_are(text: str) -> None:
    assert Phrase(text).folded in ("port velmont", "velmont")


def test_a_word_of_two_scripts_names_them() -> None:
    with pytest.raises(PhraseError, match=r"\(Latin and Hebrew\).*one script.*set force"):
        Phrase("the Googleב office")
    assert Phrase("the Googleב office", force=True)
    assert Phrase("Google ב-אב")
    assert Phrase("P\u0430ypal")  # the "a" is Cyrillic, and looks like the other


def test_a_doubt_does_not_quote_the_phrase() -> None:
    for text in ("Ж++", "Qwert\x07y", "qwertyב"):
        reason = doubt(text, fold(text).strip())
        assert reason
        assert text not in reason
        assert "qwert" not in reason
