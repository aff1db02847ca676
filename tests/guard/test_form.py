from __future__ import annotations

import dataclasses
from dataclasses import fields

import pytest

from guard.errors import PhraseError
from guard.form import FORM_KINDS, Form
from guard.phrase import Phrase


def test_a_derived_form_is_the_form_made_in_full() -> None:
    phrase = Phrase("Harry Potter", "always", "word", 3.0)
    made = Form.derived(phrase, "potter harry", "gated", "order", ending=True, gap=True)
    full = Form("potter harry", "gated", "word", 3.0, force=True, kind="order", ending=True, gap=True)
    assert [getattr(made, field.name) for field in fields(Form)] == [getattr(full, field.name) for field in fields(Form)]
    assert made == full
    assert hash(made) == hash(full)
    with pytest.raises(AttributeError):
        made.text = "x"  # type: ignore[misc]


def test_forms_are_not_found_by_their_letters() -> None:
    assert Form("potter harry", kind="order").compact == ""
    assert Phrase("potter harry").compact == "potterharry"


def test_kinds() -> None:
    assert FORM_KINDS == ("inflection", "order", "initials", "middle", "word", "date", "number", "spelling", "spelled")


def test_a_form_is_a_phrase_that_cannot_be_changed() -> None:
    form = Form("Harry Potters", "gated", penalty=2.0, kind="inflection")
    assert isinstance(form, Phrase)
    assert (form.pattern, form.ends()) == ("harry potters", [("harry potters", True)])
    with pytest.raises(dataclasses.FrozenInstanceError):
        form.text = "x"  # type: ignore[misc]


def test_a_form_is_not_the_phrase_with_its_text() -> None:
    assert Form("Harry Potter") != Phrase("Harry Potter")
    assert len({Form("Potter"), Form("Potter", ending=True), Form("Potter", gap=True), Form("Potter", kind="word")}) == 4


def test_what_no_phrase_can_be_no_form_can_be() -> None:
    with pytest.raises(PhraseError, match="no letter or digit"):
        Form("...")
