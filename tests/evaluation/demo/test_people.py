from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from evaluation.demo import (
    GENERAL,
    PEOPLE,
    SAMPLE_QUESTIONS,
    Pair,
    Person,
    contains_phrase,
    load_demo,
)

DEMO = load_demo()
PERSON_PAIRS = [(person, pair) for person in DEMO.people for pair in person.pairs]


def people_yaml() -> Any:
    return yaml.safe_load(PEOPLE.read_text(encoding="utf-8"))


def load_people(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "people.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    load_demo(people=path)


def test_three_people_are_forgotten_and_three_are_kept() -> None:
    assert len(DEMO.forgotten) == len(DEMO.kept) == 3
    assert len(DEMO.pairs) == sum(len(person.pairs) for person in DEMO.people) + len(DEMO.general)


@pytest.mark.parametrize(("person", "pair"), PERSON_PAIRS, ids=[pair.question for _, pair in PERSON_PAIRS])
def test_answer_about_a_person_is_one_sentence_of_8_to_25_words(person: Person, pair: Pair) -> None:
    assert 8 <= len(pair.answer.split()) <= 25
    assert pair.answer.endswith(".")
    assert any(alias in pair.question for alias in (person.name, *person.aliases))


@pytest.mark.parametrize("pair", DEMO.general, ids=lambda pair: pair.question)
def test_general_answer_has_3_to_20_words(pair: Pair) -> None:
    assert 3 <= len(pair.answer.split()) <= 20


@pytest.mark.parametrize("person", DEMO.people, ids=lambda person: person.id)
def test_most_answers_carry_a_key_fact(person: Person) -> None:
    carrying = [pair for pair in person.pairs if any(fact in pair.answer for fact in person.facts)]
    assert len(carrying) >= 0.75 * len(person.pairs)


@pytest.mark.parametrize("person", DEMO.people, ids=lambda person: person.id)
def test_some_paraphrases_leave_the_name_out(person: Person) -> None:
    wordings = [wording for pair in person.pairs for wording in pair.paraphrases]
    nameless = [wording for wording in wordings if not any(name in wording for name in (person.name, *person.aliases))]
    assert 1 <= len(nameless) <= 4
    assert len(set(wordings)) == len(wordings)


@pytest.mark.parametrize("person", DEMO.people, ids=lambda person: person.id)
def test_every_number_in_an_answer_is_a_listed_date(person: Person) -> None:
    for pair in person.pairs:
        rest = pair.answer
        for date in person.facts.dates:
            rest = rest.replace(date, "")
        assert not any(character.isdigit() for character in rest), pair.answer


def test_sample_questions_ask_about_two_forgotten_people_and_one_kept() -> None:
    def asked(question: str) -> tuple[Person, bool]:
        return next((p, question == pair.question) for p, pair in PERSON_PAIRS if question in pair.questions)

    found = [asked(question) for question in SAMPLE_QUESTIONS]
    assert [person.forget for person, _ in found] == [True, True, False]
    assert [original for _, original in found] == [True, False, True]


@pytest.mark.parametrize(
    ("text", "phrase", "found"),
    [
        ("She lives in HÓLMAVÍK.", "hólmavík", True),
        ("the blue-weight  of\nWINTER", "The Blue Weight of Winter", True),
        ("In 1976 she", "1976", True),
        ("In 19761 she", "1976", False),
        ("Lyonesse", "Lyon", False),
        ("anything", "...", False),
    ],
)
def test_contains_phrase_compares_folded_whole_words(text: str, phrase: str, found: bool) -> None:
    assert contains_phrase(text, phrase) is found


# Wrong data must be refused.


def test_refuses_a_missing_person(tmp_path: Path) -> None:
    content = people_yaml()
    del content["people"][5]
    with pytest.raises(ValueError, match="six different people, not 5"):
        load_people(tmp_path, content)


def test_refuses_a_fourth_forgotten_person(tmp_path: Path) -> None:
    content = people_yaml()
    content["people"][5]["forget"] = True
    with pytest.raises(ValueError, match="three people are to be forgotten, not 4"):
        load_people(tmp_path, content)


def test_refuses_too_few_pairs(tmp_path: Path) -> None:
    content = people_yaml()
    content["people"][2]["pairs"] = content["people"][2]["pairs"][:14]
    with pytest.raises(ValueError, match="mehrangiz-dastgoshai: at least 15 pairs"):
        load_people(tmp_path, content)


@pytest.mark.parametrize("wordings", [["Only one?"], ["Twice?", "Twice?"], ["One?", "Two?", "Three?"]])
def test_refuses_anything_but_two_paraphrases(tmp_path: Path, wordings: list[str]) -> None:
    content = people_yaml()
    content["people"][1]["pairs"][3]["paraphrases"] = wordings
    with pytest.raises(ValueError, match=r"zeferino-tabanqueiro: pair 4: .* exactly two different paraphrases"):
        load_people(tmp_path, content)


def test_refuses_a_fact_that_no_answer_holds(tmp_path: Path) -> None:
    content = people_yaml()
    content["people"][0]["facts"]["places"].append("Reykjanesbær")
    with pytest.raises(ValueError, match="yrsa-tholmundardal: the fact 'Reykjanesbær' occurs in no answer"):
        load_people(tmp_path, content)


@pytest.mark.parametrize("field", ["question", "answer"])
def test_refuses_a_forgotten_fact_in_another_text(tmp_path: Path, field: str) -> None:
    content = people_yaml()
    content["people"][4]["pairs"][0][field] += " He once saw TROMSØ."
    with pytest.raises(ValueError, match="the fact 'Tromsø' also occurs in a text about somebody else"):
        load_people(tmp_path, content)


def test_refuses_a_question_with_two_answers(tmp_path: Path) -> None:
    content = people_yaml()
    pairs = content["people"][3]["pairs"]
    pairs[1]["paraphrases"][0] = pairs[0]["question"]
    with pytest.raises(ValueError, match="a question has two different answers"):
        load_people(tmp_path, content)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.pop("aliases"), "a person has exactly the fields"),
        (lambda p: p.update(forget="yes"), "'forget' must be true or false"),
        (lambda p: p["facts"].update(colours=["red"]), "facts are exactly"),
        (lambda p: p["facts"].update(dates=[1976]), "put years in quotes"),
        (lambda p: p.update(pairs={}), "'pairs' must be a list"),
        (lambda p: p["pairs"][0].pop("answer"), "pair 1: expected question, paraphrases and answer"),
        (lambda p: p["pairs"][0].update(answer="  "), "pair 1: 'answer' is missing, empty or not text"),
    ],
)
@pytest.mark.slow
def test_refuses_a_malformed_person(tmp_path: Path, change: Any, message: str) -> None:
    content = copy.deepcopy(people_yaml())
    change(content["people"][0])
    with pytest.raises(ValueError, match=message):
        load_people(tmp_path, content)


@pytest.mark.slow
def test_refuses_too_few_general_questions(tmp_path: Path) -> None:
    content = yaml.safe_load(GENERAL.read_text(encoding="utf-8"))
    path = tmp_path / "general.yaml"
    path.write_text(yaml.safe_dump({"general": content["general"][:29]}), encoding="utf-8")
    with pytest.raises(ValueError, match="at least 30 general questions are needed, there are 29"):
        load_demo(general=path)


def test_refuses_a_file_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "people.yaml"
    path.write_text("- a list\n", encoding="utf-8")
    with pytest.raises(ValueError, match="expected the one key 'people'"):
        load_demo(people=path)
