"""Folding: a table of cases, the definition against the Unicode pipeline, and streams cut anywhere."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from guard.folding import StreamFolder, fold, fold_character


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
        ("ΟΔΟΣ", "οδοσ"),
        ("οδος", "οδοσ"),
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
        ("العَرَبِيَّة", "العربية"),
        ("की", "की"),
        ("哈利波特", " 哈 利 波 特 "),
        ("ハリー", " ハ リ ー "),
        ("แฮร์รี่", " แ ฮ ร ์ ร ี "),
        ("Harry哈利", "harry 哈 利 "),
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
    letters = [c for c in text if not unicodedata.combining(c) and unicodedata.category(c) != "Me"]
    return " ".join("".join(c if unicodedata.category(c)[0] in "LNM" else " " for c in letters).split())


@given(st.text(st.characters(max_codepoint=0x0DFF, exclude_categories=["Cs", "Cf"])))
@example("ǰ ΐ ﬃ ĳ ᾳ")
def test_the_map_of_characters_is_the_fold_of_the_whole_text(text: str) -> None:
    text = "".join(c for c in text if fold_character(c))
    assert fold(text).strip() == by_the_book(text)


@given(st.text(), st.lists(st.integers(0, 60)))
@example("Ωß哈\u0301İ👍", list(range(30)))
def test_a_stream_folds_alike_however_its_bytes_are_cut(text: str, cuts: list[int]) -> None:
    data = text.encode("utf-8", "surrogatepass")
    folder = StreamFolder()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = b"".join(folder.feed(data[a:b]) for a, b in pairwise(edges))
    kept = data[: len(data) - len(folder.pending)]
    assert pieces.decode() == fold(kept.decode("utf-8", "replace"))


@given(st.binary())
def test_bytes_that_are_not_utf8_read_as_separators(data: bytes) -> None:
    folder = StreamFolder()
    folded = folder.feed(data).decode()
    assert folded == fold(data[: len(data) - len(folder.pending)].decode("utf-8", "replace"))
    assert len(folder.pending) <= 3
