from __future__ import annotations

from dataclasses import fields

import pytest

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
