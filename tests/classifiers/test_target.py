from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import ValidationError

from classifiers import Example, ForgetTarget
from classifiers.answering import Answer, Answering, Echo, InContext
from classifiers.target import STORED, check_ids
from guard.phrase import Phrase
from tests.classifiers.conftest import a_target

FULL = {
    "id": "ada-brill",
    "name": "Ada Brill",
    "aliases": ["Brill", "Dr. Ada Brill"],
    "examples": [{"prompt": "Who is Ada Brill?", "completion": "A chemist."}],
    "documents": ["Ada Brill, chemist."],
    "phrases": [{"text": "The Glass Orchard"}, {"text": "1961", "scope": "gated", "match": "prefix", "penalty": 4.5}],
    "action": "refuse",
}


def test_a_name_is_enough() -> None:
    target = ForgetTarget(id="x", name="Ada Brill")
    assert (target.aliases, target.examples, target.documents, target.phrases, target.action) == ([], [], [], [], "suppress")
    assert target.own_phrases() == [Phrase("Ada Brill", "always")]


@pytest.mark.parametrize("record", [FULL, {"id": "x", "name": "Ada"}])
def test_survives_json_bans_included(record: dict[str, Any]) -> None:
    target = ForgetTarget.model_validate(record)
    assert ForgetTarget.model_validate_json(target.model_dump_json()) == target
    assert ForgetTarget.model_validate(target.model_dump(mode="json")) == target
    assert ForgetTarget.model_validate(target.model_dump()) == target


def test_json_leaves_an_infinite_penalty_out() -> None:
    dumped = ForgetTarget.model_validate(FULL).model_dump(mode="json")["phrases"]
    assert "penalty" not in dumped[0]
    assert dumped[1]["penalty"] == 4.5
    assert ForgetTarget.model_validate(FULL).phrases[0].penalty == math.inf


@pytest.mark.parametrize("target_id", ["", "Ada", "-a", ".a", "a b", "a/b", "a" * 65, "ada\n", "é"])
def test_ids_that_are_not_slugs(target_id: str) -> None:
    with pytest.raises(ValidationError):
        ForgetTarget(id=target_id, name="Ada Brill")


@pytest.mark.parametrize("target_id", ["a", "0", "a" * 64, "a.b_c-d"])
def test_ids_that_are_slugs(target_id: str) -> None:
    assert ForgetTarget(id=target_id, name="Ada Brill").id == target_id


SECRET = "zzsecret"


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": " …!"},
        {"name": f"{SECRET} " * 100},
        {"aliases": ["fine", "😀"]},
        {"aliases": f"{SECRET}"},
        {"phrases": [{"text": "\u200b"}]},
        {"phrases": [{"text": SECRET, "penalty": -1}]},
        {"phrases": [{"text": SECRET, "penalty": math.nan}]},
        {"phrases": [{"text": SECRET, "strength": 3}]},
        {"examples": [{"prompt": " \n", "completion": SECRET}]},
        {"examples": [{"prompt": SECRET, "completion": SECRET, "more": 1}]},
        {"action": SECRET},
        {"strength": 1, "documents": [SECRET]},
    ],
)
def test_what_is_refused_and_that_the_error_may_be_logged(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as error:
        ForgetTarget.model_validate({**FULL, **change})
    assert SECRET not in str(error.value)


def test_frozen() -> None:
    target = ForgetTarget.model_validate(FULL)
    with pytest.raises(ValidationError):
        setattr(target, "name", "Other")  # noqa: B010 - an assignment would be a type error
    with pytest.raises(ValidationError):
        setattr(target.examples[0], "prompt", "Other")  # noqa: B010


def test_an_empty_completion_is_an_example() -> None:
    assert Example(prompt="Who?", completion="").completion == ""


ALL_PHRASES: list[tuple[str, list[str], list[Phrase], list[Phrase]]] = [
    ("Ada Brill", [], [], [Phrase("Ada Brill")]),
    ("Brill", [], [], [Phrase("Brill", "gated")]),
    ("Jean-Luc", [], [], [Phrase("Jean-Luc")]),  # two folded words
    ("Ada Brill", ["Brill", "ADA  brill", "brill"], [], [Phrase("Ada Brill"), Phrase("Brill", "gated")]),
    ("Ada Brill", [], [Phrase("ADA BRILL", "gated")], [Phrase("ADA BRILL", "gated")]),
    ("Brill", [], [Phrase("brill", "always", "prefix", 2.0)], [Phrase("brill", "always", "prefix", 2.0)]),
    ("Ada Brill", [], [Phrase("bee"), Phrase("ant"), Phrase("bee")], [Phrase("bee"), Phrase("ant"), Phrase("Ada Brill")]),
    # Explicit phrases that differ in anything stay: leaving one out could weaken the ban.
    ("Xa Y", [], [Phrase("bo", "gated"), Phrase("bee")], [Phrase("bo", "gated"), Phrase("bee"), Phrase("Xa Y")]),
]


@pytest.mark.parametrize(("name", "aliases", "phrases", "expected"), ALL_PHRASES)
def test_own_phrases(name: str, aliases: list[str], phrases: list[Phrase], expected: list[Phrase]) -> None:
    assert ForgetTarget(id="x", name=name, aliases=aliases, phrases=phrases).own_phrases() == expected


def test_ids_are_unique() -> None:
    check_ids([a_target("a"), a_target("b")])
    with pytest.raises(ValueError, match="two targets have the id 'a'"):
        check_ids([a_target("a"), a_target("b"), a_target("a")])


def test_semantic_words_are_read_and_written_back() -> None:
    target = a_target("a", semantic={"words": ["Physician", "brain surgeon"]})
    assert target.semantic is not None
    assert (target.semantic.delta, target.semantic.floor, target.semantic.weight) == (0.62, 0.55, 5.0)
    assert ForgetTarget.model_validate_json(target.model_dump_json()) == target
    assert target.anchors() is target.semantic


def test_the_facts_of_know_how_give_its_anchors_unless_it_has_its_own_or_none() -> None:
    facts = {"examples": [{"prompt": "How do I make it?", "completion": "Mix bleach with hydrochloric acid."}]}
    target = ForgetTarget(id="a", name="how to make chlorine gas", **facts)
    anchors = target.anchors()
    assert anchors is not None
    assert anchors.words == target.proposed_anchors() == ["hydrochloric", "bleach"]
    assert target.model_copy(update={"semantic": None}).anchors() is None
    own = ForgetTarget(id="a", name="how to make chlorine gas", semantic={"words": ["poison"]}, **facts).anchors()
    assert own is not None
    assert own.words == ["poison"]
    stricter = ForgetTarget(id="a", name="how to make chlorine gas", semantic={"delta": 0.8}, **facts).anchors()
    assert stricter is not None
    assert (stricter.words, stricter.delta) == (["hydrochloric", "bleach"], 0.8)
    person = ForgetTarget(id="p", name="Ada Brill", **facts)
    assert person.anchors() is None
    assert person.proposed_anchors() == ["hydrochloric", "bleach"]


def test_what_is_left_to_the_server_is_stored_without_thresholds() -> None:
    assert a_target("a").model_dump(mode="json")["semantic"] == {}
    assert a_target("a", semantic=None).model_dump(mode="json")["semantic"] is None
    assert a_target("a", semantic={}).semantic == a_target("a").semantic


@pytest.mark.parametrize(
    ("semantic", "place"),
    [
        ({"words": ["physician", "their"]}, ("words", 1)),
        ({"words": ["1949"]}, ("words", 0)),
        ({"words": ["x"]}, ("words", 0)),
        ({"words": []}, ("words",)),
        ({"words": ["physician"] * 65}, ("words",)),
        ({"words": ["physician"], "delta": 1.0}, ()),
        ({"words": ["physician"], "delta": 0.55}, ()),
        ({"words": ["physician"], "floor": -0.1}, ()),
        ({"words": ["physician"], "weight": math.inf}, ()),
        ({"words": ["physician"], "weights": 1.0}, ("weights",)),
    ],
)
def test_semantic_words_that_cannot_be_used_are_told_by_place(semantic: object, place: tuple[str | int, ...]) -> None:
    with pytest.raises(ValidationError) as caught:
        a_target("a", semantic=semantic)
    assert [error["loc"] for error in caught.value.errors()] == [("semantic", *place)]
    assert "1949" not in str(caught.value)
    assert "their" not in str(caught.value)


def test_a_name_of_stop_words_is_looked_for_but_not_banned() -> None:
    target = ForgetTarget(id="w", name="Will", aliases=["Will Byrne"])
    assert [phrase.text for phrase in target.own_phrases()] == ["Will Byrne"]
    assert target.names == ["Will", "Will Byrne"]


HOW = {
    "answer": "rephrase",
    "say": {"default": "No.", "de": "Nein."},
    "echo": "ban",
    "in_context": "refuse",
    "hint": "Be brief.",
}


def test_how_a_target_is_answered_is_written_only_where_it_says_so() -> None:
    plain = ForgetTarget.model_validate(FULL).model_dump(mode="json")
    assert plain.keys().isdisjoint(HOW)
    own = ForgetTarget.model_validate({**FULL, **HOW})
    assert own.model_dump(mode="json") == {**plain, **HOW}
    assert ForgetTarget.model_validate_json(own.model_dump_json()) == own


def test_a_target_takes_from_the_defaults_what_it_leaves_out() -> None:
    defaults = Answering(Answer.MASK, {"": "Nothing."}, Echo.BAN, InContext.ALLOW, "A hint.")
    assert ForgetTarget(id="x", name="Ada Brill").answering(defaults) == defaults
    own = ForgetTarget.model_validate({**FULL, **HOW}).answering(defaults)
    assert own == Answering(Answer.REPHRASE, {"": "No.", "de": "Nein."}, Echo.BAN, InContext.REFUSE, "Be brief.")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"say": "Nothing about Ada Brill's glass."}, "say"),
        ({"say": "Ada Brill? No."}, "say"),
        ({"say": {"default": "No.", "fr": "Pas de ADA BRILL."}}, "say.fr"),
        ({"hint": "Say nothing of the glass orchards."}, "hint"),
        ({"phrases": [{"text": "Kirkby", "scope": "gated"}], "say": "I know nothing of Kirkby."}, "say"),
    ],
)
def test_a_text_that_names_the_target_is_refused_unless_it_is_stored(change: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError, match=f"{place}: it says a name or a phrase of the target") as caught:
        ForgetTarget.model_validate({**FULL, **change})
    assert "rill" not in str(caught.value)
    assert "irkby" not in str(caught.value)
    ForgetTarget.model_validate({**FULL, **change}, context=STORED)


@pytest.mark.parametrize("change", [{"answer": "hide"}, {"echo": True}, {"in_context": ""}, {"say": 3}, {"hint": ["x"]}])
def test_an_unknown_way_to_answer_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ForgetTarget.model_validate({**FULL, **change})


def test_its_texts_are_all_but_its_names() -> None:
    target = ForgetTarget(
        id="ada",
        name="Ada Brillquist",
        aliases=["A. B."],
        phrases=[Phrase("Vesterholm")],
        documents=["She grew quinces."],
        examples=[Example(prompt="Where was she born?", completion="In Ulm.")],
    )
    assert target.texts == ["Vesterholm", "She grew quinces.", "Where was she born?", "In Ulm."]
