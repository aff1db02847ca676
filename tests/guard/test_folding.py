"""Folding: a table of cases, the definition against the Unicode pipeline, and streams cut anywhere."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from guard.folding import StreamFolder, fold, fold_character, fold_sentences
from guard.letters import LETTERS


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("", ""),
        ("Harry  POTTER", "harry potter"),
        ("ＨＡＲＲＹ", "harry"),
        ("ﬁne", "fine"),
        ("Straße", "strasse"),
        ("ẞ", "ss"),
        ("İstanbul", "istanbul"),
        ("ΟΔΟΣ", "oδoσ"),
        ("οδος", "oδoσ"),
        ("café", "cafe"),
        ("cafe\u0301", "cafe"),
        ("Ångström", "angstrom"),
        ("O'Brien", "o brien"),
        ("O’Brien", "o brien"),
        ("Jean-Luc", "jean luc"),
        ("snake_case", "snake case"),
        ("3.14", "3 14"),
        ("½", "1 2"),
        ("x²", "x2"),
        ("№ 5", "no 5"),
        ("a👍b", "a b"),
        ("soft\u00adhyphen", "softhyphen"),
        ("zero\u200bwidth", "zerowidth"),
        ("כּ", "כ"),
        ("العَرَبِيَّة", "العربيه"),
        ("की", "की"),
        ("哈利波特", " 哈 利 波 特 "),
        ("ハリー", " ハ リ ー "),
        ("แฮร์รี่", " แ ฮ ร ์ ร ี ่ "),
        ("Harry哈利", "harry 哈 利 "),
        ("ガード", " ガ ー ド "),
        ("カート", " カ ー ト "),
        ("เสื้อ", " เ ส ื ้ อ "),
        ("٣ ۳ ३ ３ 𝟛", "3 3 3 3 3"),
        ("علـــي", "علي"),
        ("Yr\ufffdsa", "yrsa"),
        ("Łódź ø ð þ æ œ ı", "lodz o d th ae oe i"),
        ("Yrsа", "yrsa"),
        ("3.14. x", "3 14 x"),
        ("\ud800x", " x"),
    ],
)
def test_cases(text: str, folded: str) -> None:
    assert unicodedata.normalize("NFD", fold(text)) == unicodedata.normalize("NFD", folded)


@given(st.characters(exclude_categories=["Cs"]))
def test_folding_a_fold_changes_nothing(character: str) -> None:
    once = fold(character)
    assert fold(once) == once


def by_the_book(text: str) -> str:
    """The definition in one piece: compatibility caseless matching on the whole text, marks off, runs of others to a space."""
    for _ in range(3):
        text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    letters = [LETTERS.get(c, c) for c in text if not unicodedata.combining(c) and unicodedata.category(c) != "Me"]
    digits = [str(unicodedata.decimal(c, c)) for c in "".join(letters)]
    return " ".join("".join(c if unicodedata.category(c)[0] in "LNM" else " " for c in digits).split())


@given(st.text(st.characters(max_codepoint=0x0DFF, exclude_categories=["Cs", "Cf"])))
@example("ǰ ΐ ﬃ ĳ ᾳ")
def test_the_map_of_characters_is_the_fold_of_the_whole_text(text: str) -> None:
    text = "".join(c for c in text if fold_character(c))
    assert fold(text).strip() == by_the_book(text)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Harry.Potter", "harry.potter"),
        ("To be frank. Cotter", "to be frank. cotter"),
        ("frank.\n\n  Cotter", "frank. cotter"),
        ("What?! No", "what. no"),
        ("Wait... what", "wait. what"),
        ("wait…what", "wait.what"),
        ("one ... two", "one two"),
        ("(one). Two", " one two"),  # the run begins with something else
        ("он。она", "oн.oнa"),
        ("كيف؟ نعم", "كيف. نعم"),
        ("यह। वह", "यह. वह"),
        ("哈利。 波特", " 哈 利 波 特 "),
        (".x", ".x"),
        ("x.", "x."),
        ("x. ", "x. "),
    ],
)
def test_a_run_that_begins_with_the_end_of_a_sentence_is_a_dot(text: str, folded: str) -> None:
    assert fold_sentences(text) == folded
    assert fold(text) == re.sub("[ .]+", " ", folded)


@given(st.text(".. !?é,ab。哈", max_size=30))
def test_runs_are_a_space_or_a_dot_or_a_dot_and_a_space(text: str) -> None:
    folded = fold_sentences(text)
    assert re.search("[ .]{3}|  |[.][.]| [.]", folded) is None
    each = "".join(fold_character(c) for c in text)
    runs = [run if run[:1] != "." else ". " if " " in run else "." for run in re.findall("[ .]+", each)]
    assert re.findall("[ .]+", folded) == [" " if run[0] == " " else run for run in runs]
    assert "".join(re.findall("[^ .]", folded)) == "".join(re.findall("[^ .]", each))


@given(st.text(), st.lists(st.integers(0, 60)))
@example("Ωß哈\u0301İ👍", list(range(30)))
@example("ab. . c", [3, 4, 5])
def test_a_stream_folds_alike_however_its_bytes_are_cut(text: str, cuts: list[int]) -> None:
    data = text.encode("utf-8", "surrogatepass")
    folder = StreamFolder()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = b"".join(folder.feed(data[a:b]) for a, b in pairwise(edges))
    kept = data[: len(data) - len(folder.pending)]
    assert pieces.decode() == fold_sentences(kept.decode("utf-8", "replace"))


@given(st.binary())
def test_bytes_that_are_not_utf8_add_nothing(data: bytes) -> None:
    folder = StreamFolder()
    folded = folder.feed(data).decode()
    assert folded == fold_sentences(data[: len(data) - len(folder.pending)].decode("utf-8", "ignore"))
    assert len(folder.pending) <= 3


@pytest.mark.parametrize(("last", "more"), [("", ". x"), (".", " x"), (" ", "x")])
def test_the_end_of_the_text_so_far_decides_what_more_adds(last: str, more: str) -> None:
    for text in (". x", "… x"):
        assert StreamFolder(last).feed_text(text) == more
