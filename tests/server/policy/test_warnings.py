"""Warnings about targets that are accepted."""

from __future__ import annotations

from typing import Any

import pytest

from classifiers import ForgetTarget
from classifiers.answering import Answering
from server.policy.warnings import warnings_of


def warned(**fields: Any) -> list[str]:
    return warnings_of(ForgetTarget.model_validate({"id": "x", "name": "Zorin Quaddle", **fields}))


def test_nothing_to_warn_about() -> None:
    assert warned(aliases=["Quaddle"], phrases=[{"text": "Kirkby Mallory"}]) == []


@pytest.mark.parametrize(
    ("fields", "place", "what"),
    [
        ({"aliases": ["Quaddle", "Will Price"]}, "aliases[1]", "is made of ordinary words"),
        ({"name": "Will Price"}, "name", "is made of ordinary words"),
        ({"phrases": [{"text": "Quox"}, {"text": "Mary Land"}]}, "phrases[1]", "in one are an ordinary word"),
        ({"except": ["Quaddle Brothers"]}, "except[0]", "goes on behind a phrase"),
    ],
)
def test_each_names_the_place_and_quotes_nothing(fields: dict[str, Any], place: str, what: str) -> None:
    (warning,) = warned(**fields)
    assert place in warning
    assert what in warning
    assert not any(word in warning for word in ("Will", "Price", "Mary", "Quaddle"))


def test_an_explicit_phrase_settles_a_name_of_ordinary_words() -> None:
    assert warned(name="Will Price", phrases=[{"text": "will price"}]) == []


def test_an_exception_that_ends_with_the_phrase_needs_no_warning() -> None:
    assert warned(**{"except": ["the works of Zorin Quaddle"], "forms": []}) == []
    # Where the prompt is about the target, the rarer of its names alone is banned, too, and the exception goes on behind it.
    assert len(warned(**{"except": ["the works of Zorin Quaddle"]})) == 1


def test_a_default_text_that_says_a_phrase_is_told() -> None:
    target = ForgetTarget.model_validate({"id": "x", "name": "Zorin Quaddle", "hint": "Be careful."})
    assert warnings_of(target, Answering()) == []
    assert warnings_of(target, Answering(hint="Forget Quaddle.")) == []
    (told,) = warnings_of(target, Answering(say={"": "No.", "de": "Kein Zorin Quaddle."}))
    assert "default for `say`" in told
    assert "Quaddle" not in told
    own = target.model_copy(update={"say": "No."})
    assert warnings_of(own, Answering(say={"": "Kein Zorin Quaddle."})) == []
