"""What a target bans: its own phrases, their forms, and what stays allowed."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from classifiers import ForgetTarget
from classifiers.banned import check_exceptions, left_out, near, own, with_forms
from guard.errors import PhraseError
from guard.form import FORM_KINDS
from guard.forms.derive import forms_left_out, forms_of
from guard.phrase import Phrase


def a_target(**fields: Any) -> ForgetTarget:
    return ForgetTarget.model_validate({"id": "x", "name": "Zorin Quaddle", **fields})


def reasons(target: ForgetTarget) -> set[str]:
    return {one.reason for one in target.banned()}


def test_each_phrase_has_a_reason_and_each_form_the_phrase_it_belongs_to() -> None:
    target = a_target(phrases=[{"text": "Kirkby Mallory"}])
    banned = target.banned()
    assert [(one.phrase.text, one.reason, one.source) for one in banned[:2]] == [
        ("Kirkby Mallory", "explicit", None),
        ("Zorin Quaddle", "name", None),
    ]
    assert {one.source.text for one in banned[2:] if one.source} == {"Kirkby Mallory", "Zorin Quaddle"}
    name = Phrase("Zorin Quaddle")
    assert [one.phrase for one in banned if one.source == name] == list(forms_of(name, name=True))
    assert target.all_phrases() == [one.phrase for one in banned]
    assert target.own_phrases() == [one.phrase for one in banned[:2]]


@pytest.mark.parametrize("kind", ["order", "word", "middle"])
def test_a_kind_is_switched_off_for_a_target(kind: str) -> None:
    kinds = [other for other in FORM_KINDS if other != kind]
    assert kind in reasons(a_target())
    assert kind not in reasons(a_target(forms=kinds))
    assert "order" in reasons(a_target(forms=["order"]))
    assert reasons(a_target(forms=[])) == {"name"}


def test_a_phrase_decides_about_its_own_forms() -> None:
    date = {"text": "10 December 1815"}
    assert reasons(a_target(forms=[], phrases=[{**date, "forms": ["date"]}])) == {"name", "explicit", "date"}
    assert "date" in reasons(a_target(phrases=[date]))
    assert "date" not in reasons(a_target(phrases=[{**date, "forms": []}]))


def test_a_phrase_of_the_operator_wins_over_a_form_of_another() -> None:
    order = next(one.phrase for one in a_target().banned() if one.reason == "order")
    target = a_target(phrases=[{"text": order.text, "scope": "gated", "forms": []}])
    same = [one for one in target.banned() if one.phrase.folded == order.folded]
    assert [(one.reason, one.phrase.scope) for one in same] == [("explicit", "gated")]


def test_no_two_are_equal() -> None:
    banned = with_forms(own(["Zorin Quaddle", "Quaddle, Zorin", "Quaddle"], []), None)
    keys = [(p.pattern, p.match, p.scope, getattr(p, "ending", 0), getattr(p, "gap", 0)) for p in (one.phrase for one in banned)]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("name", ["Will Price", "Chase Banks", "Justin Case"])
def test_a_name_of_ordinary_words_is_gated_unless_it_is_an_explicit_phrase(name: str) -> None:
    (gated,) = own([name], [])
    assert (gated.phrase.scope, gated.reason) == ("gated", "name")
    (always,) = own([name], [Phrase(name)])
    assert (always.phrase.scope, always.reason) == ("always", "explicit")


def test_forms_beyond_the_limit_are_counted() -> None:
    phrases = [Phrase("10 December 1815"), Phrase("Quaddle Works")]
    counted = sum(forms_left_out(phrase, name=False) for phrase in phrases)
    assert left_out(own([], phrases), None) == counted
    assert left_out(own([], phrases), ()) == 0


def test_near_leaves_out_only_what_cannot_occur() -> None:
    phrases = [Phrase("Mary Land"), Phrase("Quaddle"), Phrase("land")]
    assert list(near(phrases, "maryland")) == [Phrase("Mary Land"), Phrase("land")]


def test_exceptions_that_make_sense() -> None:
    check_exceptions(["Quaddle Brothers", "the works of Zorin Quaddle"], a_target().all_phrases())


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["Quaddle Brothers", "Zorin QUADDLE"], r"^except\[1\]: the exception is the phrase itself"),
        (["Brothers Grimm"], r"^except\[0\]: no phrase occurs in the exception"),
        (["Quaddle Brothers", "…"], r"^except\[1\]: the text has no letter"),
    ],
)
def test_exceptions_that_make_no_sense(texts: list[str], message: str) -> None:
    with pytest.raises(PhraseError, match=message):
        check_exceptions(texts, a_target().all_phrases())


def test_a_target_checks_its_exceptions_and_writes_them_under_their_key() -> None:
    target = a_target(**{"except": ["Quaddle Brothers"], "forms": ["word"], "phrases": [{"text": "Zed", "forms": []}]})
    written = target.model_dump(mode="json")
    assert (written["except"], written["forms"], written["phrases"][0]["forms"]) == (["Quaddle Brothers"], ["word"], [])
    assert ForgetTarget.model_validate(written) == target
    with pytest.raises(ValidationError, match=r"except\[0\]"):
        a_target(**{"except": ["Quaddle Brothers"], "forms": []})  # the surname alone is a form
    with pytest.raises(ValidationError):
        a_target(**{"except": ["Quaddle Brothers"] * 257})
    with pytest.raises(ValidationError):
        a_target(excepted=["Quaddle Brothers"])


def test_a_target_without_them_is_written_as_before() -> None:
    written = a_target(phrases=[{"text": "Zed"}]).model_dump(mode="json")
    assert not {"forms", "except"} & written.keys()
    assert "forms" not in written["phrases"][0]


@pytest.mark.parametrize(
    ("phrase", "taken"),
    [
        ({"text": "Lantern Gambit", "beta": 0.5}, False),
        ({"text": "Harry Potter", "beta": 0.5}, False),
        ({"text": "Lantern Gambit", "beta": 0.5, "force": True}, True),
        ({"text": "Lantern Gambit", "beta": 0.5, "scope": "gated"}, True),
        ({"text": "Lantern Gambit", "beta": 0.7}, True),
        ({"text": "Quaddle Works", "beta": 0.5}, True),
    ],
)
def test_beta_must_not_cut_to_one_ordinary_word(phrase: dict[str, Any], taken: bool) -> None:
    if taken:
        assert a_target(phrases=[phrase]).phrases[0].beta == phrase["beta"]
        return
    with pytest.raises(ValidationError, match="beta cuts the phrase to one ordinary word") as error:
        a_target(phrases=[phrase])
    assert error.value.errors()[0]["loc"] == ("phrases", 0)
