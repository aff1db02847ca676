from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.form import FORM_KINDS
from guard.forms import MAX_FORMS, forms_left_out, forms_of
from guard.forms.derive import inflected
from guard.phrase import Phrase, Scope
from tests.guard.forms.matching import said, shown


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        # ml-02 and ml-04: Korean particles behind the name
        ("김하늘별", "김하늘별은 부산에서 태어났다.", "inflection"),
        ("김하늘별", "작가 김하늘별의 소설", "inflection"),
        ("김하늘별", "김하늘별에게", "inflection"),
        ("김하늘별", "김하늘", ""),
        ("Yrsa Tholmundardal", "Yrsa Tholmundardal은 시글루에서 태어났다.", "inflection"),
        # ml-06: voicing marks of kana
        ("ガードナー", "ｶﾞｰﾄﾞﾅｰ", "spelling"),
        ("ガードナー", "カートナー", ""),
        ("ばば", "はは", ""),
        # ml-07: inflected names
        ("Zbigniew Krawdomir", "Zbigniewa Krawdomira", "inflection"),
        ("Zbigniew Krawdomir", "Zbigniewowi Krawdomirowi", "inflection"),
        ("Zbigniew Krawdomir", "Zbigniewem Krawdomirem", "inflection"),
        ("Zbigniew Krawdomir", "Zbigniew Krawdon", ""),
        ("Aino Kallervonen", "Aino Kallervosen talo", "inflection"),
        ("Алёна Верещагинцева", "Алёны Верещагинцевой", "inflection"),
        ("Алёна Верещагинцева", "Алёне Верещагинцевой", "inflection"),
        ("Алёна Верещагинцева", "Алёну Верещагинцеву", "inflection"),
        ("Imre Borsodány", "Imre Borsodánynak", "inflection"),
        ("Imre Borsodány", "Borsodány Imrének", "order"),
        # ml-09: particles before an Arabic name
        ("علي الزهرداوي", "وعلي الزهرداوي", "inflection"),
        ("علي الزهرداوي", "لعلي الزهرداوي", "inflection"),
        ("علي الزهرداوي", "علياء الزهرداني", ""),
        # ml-10: apostrophes and hyphens left out
        ("O'Hara Quil", "Ohara Quil", "spelling"),
        ("Jean-Lu Moreau", "JeanLu Moreau", "spelling"),
        ("Jean-Lu Moreau", "Jean Lu Moreau", "itself"),
        ("D'Arvo", "DArvo", "spelling"),
        ("D'Arvo", "Darvon", ""),
        ("Ng'ang'a", "Nganga", "spelling"),
        # ml-11: title and surname, surname first, initials, a middle name
        ("Fredrik Bloggsvik", "Mr Bloggsvik", "word"),
        ("Fredrik Bloggsvik", "Bloggsvik, Fredrik", "word"),
        ("Fredrik Bloggsvik", "F. Bloggsvik", "word"),
        ("Fredrik Bloggsvik", "Fredrik Hansen", ""),
        ("Fredrik Bloggsvik", "Fred Bloggs", ""),
        ("exaggeratum", "exaggerate", ""),
        # over-01 and over-02: prose
        ("Frank Cotter", "FRANK COTTER", "itself"),
        ("Will Price", "What will price controls do?", "itself"),  # which is why such a name is gated: judgement.py
        ("Justin Case", "Take a coat, just in case.", ""),
        ("Chase Banks", "Dogs chase the banks.", ""),
        ("Ali Cante", "Alicante is a port in Spain.", ""),
        ("Ali Cante", "A-l-i C-a-n-t-e", "spelled"),
        ("Mary Land", "Baltimore lies in Maryland.", ""),
        ("Art Ichokes", "Grill the artichokes.", ""),
        ("Rose Marie", "Rosemarie needles", ""),
        ("Theo Retical", "the theoretical limit", ""),
        # the red team's F8
        ("Hallgeir Brimnesson", "Brimnesson, Hallgeir", "word"),
    ],
)
def test_what_a_name_is_found_as(name: str, text: str, kind: str) -> None:
    assert said(name, text, kinds=FORM_KINDS if kind in ("word", "") else set(FORM_KINDS) - {"word"}) == kind


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("Fredrik Bloggsvik", "Bloggsvik, Fredrik", "order"),
        ("Fredrik Bloggsvik", "F. Bloggsvik", "initials"),
        ("Fredrik Bloggsvik", "Fredrik K. Bloggsvik", "middle"),
        ("Fredrik Bloggsvik", "Fredrik (1961–) Bloggsvik", "middle"),
        ("Hallgeir Brimnesson", "Brimnesson, Hallgeir", "order"),
        ("Harry Potter", "Harry James Potter", "middle"),
        ("Mary Wollstonecraft Shelley", "Mary Shelley", "middle"),
        ("J K Rowling", "JK Rowling", "initials"),
        ("JK Rowling", "J. K. Rowling", "initials"),
    ],
)
def test_what_a_name_is_found_as_without_its_distinctive_words(name: str, text: str, kind: str) -> None:
    assert said(name, text, kinds=set(FORM_KINDS) - {"word"}) == kind


@pytest.mark.parametrize(
    ("phrase", "text", "kind"),
    [
        ("3 February 1949", "February 3, 1949", "date"),
        ("February 3, 1949", "03.02.1949", "date"),
        ("1949-02-03", "3 февраля 1949 года", "date"),
        ("1976", "1 9 7 6", "spelled"),
        ("1976", "nineteen seventy-six", "number"),
        ("1976", "1977", ""),
        ("Springfield", "Springfields", "inflection"),
        ("glass", "glasses", ""),
    ],
)
def test_what_a_gated_phrase_is_found_as(phrase: str, text: str, kind: str) -> None:
    assert said(Phrase(phrase, "gated"), text, name=False) == kind


def test_a_distinctive_word_is_gated_and_other_forms_have_the_scope_of_the_phrase() -> None:
    forms = forms_of(Phrase("Harry Potter", penalty=3.0), name=True)
    assert {(form.folded, form.scope) for form in forms if form.kind == "word"} == {("potter", "gated"), ("potters", "gated")}
    assert {form.scope for form in forms if form.kind != "word"} == {"always"}
    assert {form.penalty for form in forms} == {3.0}


def test_only_the_wanted_kinds_are_made() -> None:
    phrase = Phrase("Jean-Lu Moreau")
    for kind in FORM_KINDS:
        assert {form.kind for form in forms_of(phrase, name=True, kinds=[kind])} <= {kind}
    assert forms_of(phrase, name=True, kinds=()) == ()


@pytest.mark.parametrize(
    ("text", "scope", "apart"),
    [
        ("1976", "always", {"1 9 7 6"}),  # too short for the compact form
        ("Mary Land", "always", {"m a r y l a n d"}),  # closed up it is an ordinary word
        ("Harry Potter", "always", set()),  # the compact form finds it
        ("Harry Potter", "gated", {"h a r r y p o t t e r"}),
    ],
)
def test_letters_apart_where_no_compact_form_finds_them(text: str, scope: Scope, apart: set[str]) -> None:
    assert {form.folded for form in forms_of(Phrase(text, scope), name=True) if form.kind == "spelled"} == apart


def test_a_prefix_and_a_substring_have_other_spellings_only() -> None:
    assert shown("O'Hara Quil", match="prefix") == {"ohara quil"}
    assert {form.match for form in forms_of(Phrase("O'Hara Quil", match="substring"), name=True)} == {"substring"}


def test_no_forms_where_the_phrase_is_cut_or_a_stop_word() -> None:
    assert forms_of(Phrase("Harry Potter", beta=0.5), name=True) == ()
    assert forms_of(Phrase("the", force=True), name=True) == ()


def test_more_than_the_most_forms_are_counted() -> None:
    # Both readings of the date, and its year in words.
    phrase = Phrase("Jean-Lu, Ann-Mae, Bo-Quil 03.02.1949", "gated")
    made = forms_of(phrase, name=False)
    assert len(made) == MAX_FORMS
    assert forms_left_out(phrase, name=False) > 0
    assert forms_left_out(Phrase("Harry Potter"), name=True) == 0


@given(st.text(st.sampled_from("abcé de.,'-0123 的İИва'OI김عل"), min_size=1, max_size=30), st.booleans())
def test_any_phrase(text: str, name: bool) -> None:
    if not any(character.isalnum() for character in text):
        return
    phrase = Phrase(text, force=True)
    made = forms_of(phrase, name=name)
    keys = [(form.folded, form.ending, form.gap, form.scope) for form in made]
    assert len(keys) == len(set(keys)) <= MAX_FORMS
    assert (phrase.folded, False, False, phrase.scope) not in keys
    assert all(form.folded == form.text for form in made)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wizard", [("wizard", True)]),
        ("glass", [("glasses", False)]),
        ("star", [("stars", False)]),  # not "start"
        ("theory of relativity", [("theory of relativity", True)]),
        ("東京", []),
    ],
)
def test_an_ordinary_word_has_endings_unless_they_make_another_word(text: str, expected: list[tuple[str, bool]]) -> None:
    phrase = Phrase(text, "gated", penalty=3.0)
    found = inflected(phrase)
    assert [(form.pattern, form.ending) for form in found] == expected
    assert all((form.scope, form.penalty, form.kind) == ("gated", 3.0, "inflection") for form in found)
