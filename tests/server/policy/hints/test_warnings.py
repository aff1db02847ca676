"""Warnings about targets that are accepted."""

from __future__ import annotations

from typing import Any

import pytest

from classifiers import ForgetTarget
from classifiers.answering import Answering
from server.policy.hints.warnings import warnings_of


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


COMMON = "common words alone"
ONE_WORD = "is a common word or name"


@pytest.mark.parametrize(
    ("fields", "place", "what"),
    [
        ({"name": "John Smith"}, "name", COMMON),
        ({"aliases": ["Maria García"]}, "aliases[0]", COMMON),
        ({"aliases": ["Rose"]}, "aliases[0]", ONE_WORD),
        ({"name": "Paris"}, "name", ONE_WORD),
        ({"name": "how to make chlorine gas"}, "name", "describes a topic"),
        ({"action": "refuse"}, "phrases", "are missing"),
    ],
)
def test_names_that_mean_others_as_well(fields: dict[str, Any], place: str, what: str) -> None:
    told = [warning for warning in warned(**fields) if what in warning]
    assert len(told) == 1
    assert told[0].startswith(place)
    assert not any(word in told[0] for word in ("Smith", "Maria", "Rose", "Paris", "chlorine"))


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "Harry Potter"},
        {"name": "Hermione"},
        {"name": "Albert Einstein"},
        {"name": "Joanne Kathleen Rowling", "aliases": ["Rowling"]},
        {"name": "how to make chlorine gas", "examples": [{"prompt": "How is chlorine gas made?", "completion": "-"}]},
        {"action": "refuse", "phrases": [{"text": "Kirkby Mallory", "scope": "gated"}]},
    ],
)
def test_names_that_mean_one_thing(fields: dict[str, Any]) -> None:
    assert not [w for w in warned(**fields) if any(what in w for what in (COMMON, ONE_WORD, "describes a topic", "are missing"))]
