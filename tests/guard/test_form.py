"""Forms: phrases that were derived from another one."""

from __future__ import annotations

import dataclasses

import pytest

from guard.errors import PhraseError
from guard.form import FORM_KINDS, Form
from guard.phrase import Phrase


def test_a_form_is_a_phrase_that_cannot_be_changed() -> None:
    form = Form("Harry Potters", "gated", penalty=2.0, kind="inflection")
    assert isinstance(form, Phrase)
    assert (form.pattern, form.ends()) == ("harry potters", [("harry potters", True)])
    with pytest.raises(dataclasses.FrozenInstanceError):
        form.text = "x"  # type: ignore[misc]


def test_a_form_is_never_looked_for_by_its_letters() -> None:
    assert Phrase("Harry Potter").compact
    assert Form("Harry Potter").compact == ""


def test_a_form_is_not_the_phrase_with_its_text() -> None:
    assert Form("Harry Potter") != Phrase("Harry Potter")
    assert len({Form("Potter"), Form("Potter", ending=True), Form("Potter", gap=True), Form("Potter", kind="word")}) == 4


def test_what_no_phrase_can_be_no_form_can_be() -> None:
    with pytest.raises(PhraseError, match="no letter or digit"):
        Form("...")


def test_the_kinds_are_told_once_each() -> None:
    assert len(set(FORM_KINDS)) == len(FORM_KINDS)
    assert {"inflection", "order", "initials", "middle", "word", "date", "number", "spelling", "spelled"} == set(FORM_KINDS)
