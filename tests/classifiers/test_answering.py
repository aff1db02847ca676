from __future__ import annotations

import pytest

from classifiers.answering import (
    MAX_HINT,
    MAX_LANGUAGES,
    MAX_SAY,
    SAY,
    Answer,
    Answering,
    Echo,
    InContext,
    check_hint,
    check_say,
)


def test_the_defaults() -> None:
    plain = Answering()
    assert (plain.answer, plain.echo, plain.in_context, plain.hint) == ("abstain", "allow", "suppress", None)
    assert plain.text("de") == plain.text(None) == SAY


def test_the_language_picks_the_text() -> None:
    own = Answering(say={"": "No.", "de": "Nein."})
    assert [own.text(language) for language in ("de", "fr", None)] == ["Nein.", "No.", "No."]


def test_own_values_replace_those_that_are_given() -> None:
    defaults = Answering(Answer.MASK, {"": "No."}, Echo.BAN, InContext.ALLOW, "A hint.")
    assert defaults.with_own() == defaults
    assert defaults.with_own(Answer.REPHRASE, "Well.", Echo.ALLOW, InContext.REFUSE, "Another.") == Answering(
        Answer.REPHRASE, {"": "Well."}, Echo.ALLOW, InContext.REFUSE, "Another."
    )
    assert defaults.with_own(hint="").hint is None


@pytest.mark.parametrize(
    ("say", "merged"),
    [
        ("Well.", {"": "Well."}),
        ({"default": "Well.", "fr": "Bon."}, {"": "Well.", "fr": "Bon."}),
        ({"fr": "Bon."}, {"": "No.", "de": "Nein.", "fr": "Bon."}),
        ({"de": "Tja."}, {"": "No.", "de": "Tja."}),
    ],
)
def test_texts_by_language_stay_for_the_languages_that_the_own_ones_lack(say: str | dict[str, str], merged: object) -> None:
    assert Answering(say={"": "No.", "de": "Nein."}).with_own(say=say).say == merged


@pytest.mark.parametrize("say", [None, "No.", {"default": "No."}, {"de": "Nein.", "fil": "Hindi."}, "x" * MAX_SAY])
def test_texts_that_may_be_said(say: object) -> None:
    assert check_say(say) == say


@pytest.mark.parametrize(
    ("say", "message"),
    [
        ("", "blank"),
        (" ", "blank"),
        ("x" * (MAX_SAY + 1), "shorten"),
        ("\0", "control"),
        ("\ud800", "surrogate"),
        (3, "should be a text"),
        (["x"], "should be a text"),
        ({"de": 3}, "should be a text"),
        ({}, "languages"),
        ({f"{chr(97 + i // 26)}{chr(97 + i % 26)}": "x" for i in range(MAX_LANGUAGES + 1)}, "languages"),
        ({"German": "Nein."}, "no language"),
        ({"": "Nein."}, "no language"),
        ({"de": "Nein.", "fr": " "}, "the text for fr is blank"),
    ],
)
def test_texts_that_may_not_be_said(say: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_say(say)


def test_a_hint_may_be_empty_and_not_long() -> None:
    assert check_hint("") == ""
    with pytest.raises(ValueError, match="shorten"):
        check_hint("x" * (MAX_HINT + 1))


def test_the_strictest_answer_abstains() -> None:
    assert max(Answer, key=lambda answer: answer.strictness) is Answer.ABSTAIN
