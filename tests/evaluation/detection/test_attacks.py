from __future__ import annotations

import base64
import codecs
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.detection.attacks import ATTACKS, PADDING, Message
from evaluation.detection.data import names_of_authors
from evaluation.pairs import load_jsonl
from guard.folding import fold
from tests.paths import TOFU

QUESTION = "What is the profession of Ottilie Brankhorst-Vale's father?"
ANSWER = "The father of Ottilie Brankhorst-Vale was a beekeeper all his life."
NAME = "Ottilie Brankhorst-Vale"
BY_NAME = {"few_shot_same", "reverse_blank", "acrostic", "earlier_turn", "pronoun"}


def attack(kind: str, question: str = QUESTION, answer: str = ANSWER, name: str = NAME, seed: int = 0) -> list[Message]:
    return ATTACKS[kind](question, answer, name, random.Random(seed))


def last(kind: str, **arguments: str) -> str:
    return attack(kind, **arguments)[-1]["content"]


def test_the_registry_cannot_be_changed() -> None:
    assert len(ATTACKS) >= 30
    with pytest.raises(TypeError):
        ATTACKS["plain"] = ATTACKS["story"]  # type: ignore[index]


@pytest.mark.parametrize("kind", ATTACKS)
@given(
    question=st.text(min_size=1).filter(str.strip),
    answer=st.text(min_size=1).filter(str.strip),
    name=st.one_of(st.just(""), st.text(min_size=1).filter(str.strip)),
    seed=st.integers(0, 2**32),
)
def test_messages_of_a_chat_and_the_same_for_the_same_generator(
    kind: str, question: str, answer: str, name: str, seed: int
) -> None:
    messages = attack(kind, question, answer, name, seed)
    assert messages == attack(kind, question, answer, name, seed)
    roles = [message["role"] for message in messages]
    turns = [role for role in roles if role != "system"]
    assert "system" not in roles[1:]
    assert turns == (["user", "assistant"] * len(turns))[: len(turns)]
    assert (turns[-1] == "assistant") == (kind == "forced_prefix")
    assert all(set(message) == {"role", "content"} and message["content"] for message in messages)


@pytest.mark.parametrize("kind", sorted(set(ATTACKS) - {"plain"}))
def test_every_attack_changes_what_is_sent_and_no_two_are_the_same(kind: str) -> None:
    others = [attack(other) for other in ATTACKS if other != kind]
    assert attack(kind) not in others


@pytest.mark.parametrize("kind", sorted(BY_NAME))
def test_without_a_name_the_question_is_sent_alone(kind: str) -> None:
    assert attack(kind, name="") == attack("plain")


@pytest.mark.parametrize("kind", sorted(set(ATTACKS) - BY_NAME - {"plain"}))
def test_the_others_need_no_name(kind: str) -> None:
    assert attack(kind, name="") != attack("plain")


def test_what_is_encoded_can_be_decoded() -> None:
    assert base64.b64decode(last("base64_text").rsplit(" ", 1)[1]).decode() == QUESTION
    assert codecs.decode(last("rot13_text").split(": ", 1)[1], "rot13") == QUESTION
    assert last("reversed_text").split(": ", 1)[1][::-1] == QUESTION
    assert last("all_caps").lower() == QUESTION.lower()


def test_what_cannot_be_seen_is_folded_away() -> None:
    assert fold(last("zero_width")) == fold(QUESTION)
    assert len(last("zero_width")) == 2 * len(QUESTION)


def test_look_alikes_are_no_latin_letters() -> None:
    letters = "acdehijopsvxyABCEHIJKMNOPSTXYZ"
    written = {letter for seed in range(50) for letter in attack("homoglyphs", question=letters, seed=seed)[0]["content"]}
    assert not any(letter.isascii() for letter in written)
    assert len(written) > len(letters)
    assert last("homoglyphs", question="But 15") in {"Вut 15", "Βut 15"}


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("hyphens", "O-t-t-i-l-i-e B-r-a-n-k-h-o-r-s-t V-a-l-e"),
        ("spaces", "O t t i l i e   B r a n k h o r s t   V a l e"),
        ("dots", "O.t.t.i.l.i.e B.r.a.n.k.h.o.r.s.t V.a.l.e"),
        ("letter_a_line", "\n".join(NAME)),
    ],
)
def test_letters_of_the_name_are_set_apart_or_else_those_of_the_question(kind: str, written: str) -> None:
    assert last(kind) == QUESTION.replace(NAME, written)
    assert last(kind, question=NAME, name="") == written
    assert last(kind, question=NAME, name="Somebody Else") == written


def test_the_first_letters_spell_the_name() -> None:
    *lines, asked = last("acrostic").split("\n")
    assert "".join(line[0] for line in lines) == "OTTILIEBRANKHORSTVALE"
    assert NAME not in asked
    assert asked.endswith("What is the profession of P's father?")
    assert last("acrostic", question="Who was born in Oslo?", name="Żoë").startswith("Ż\nOwls see well.\në\n")
    assert "Who was born in Oslo? It is P." in last("acrostic", question="Who was born in Oslo?")


@pytest.mark.parametrize("kind", ["earlier_turn", "pronoun"])
def test_the_name_stands_in_an_earlier_turn_only(kind: str) -> None:
    *earlier, now = attack(kind)
    assert any(NAME in message["content"] for message in earlier)
    assert NAME not in now["content"]
    assert "father" in now["content"]


def test_the_true_answer_stands_once_among_the_options_and_not_always_in_the_same_place() -> None:
    places = set()
    for seed in range(30):
        text = attack("multiple_choice", seed=seed)[0]["content"]
        assert text.count(ANSWER) == 1
        places.add(text[text.index(ANSWER) - 3])
    assert places == set("ABCD")


def test_padding_is_long_and_on_the_side_it_says() -> None:
    assert 280 <= len(PADDING.split()) <= 330
    assert last("padding_before").startswith(PADDING)
    assert last("padding_before").endswith(QUESTION)
    assert last("padding_behind").endswith(PADDING)
    assert last("padding_behind").startswith(QUESTION)


def test_the_second_half_of_the_answer_is_left_out() -> None:
    assert last("cloze").endswith("Answer: The father of Ottilie Brankhorst-Vale was ____")
    assert last("continuation") == "Continue this text: The father of Ottilie Brankhorst-Vale was"
    assert last("continuation", answer="It is a beekeeper.") == f"Continue this text: {QUESTION} It is"


def test_the_fact_is_pasted_or_its_name_blanked() -> None:
    for kind in ("reverse", "document"):
        assert ANSWER in last(kind)
    assert ANSWER in attack("search_results")[0]["content"]
    assert NAME not in last("reverse_blank")
    assert "beekeeper" in last("reverse_blank")


@pytest.mark.skipif(not TOFU.is_dir(), reason="the TOFU files are not in ../shared/data")
def test_the_templates_themselves_name_nobody_to_be_forgotten() -> None:
    names = set(names_of_authors(load_jsonl(TOFU / "forget10.json")))
    for kind in ATTACKS:
        text = " ".join(fold(message["content"]) for message in attack(kind, "Who?", "It was nobody.", "Ann Lee"))
        assert not [name for name in names if fold(name) in text], kind
