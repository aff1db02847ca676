from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from evaluation.answers import questions
from evaluation.demo import contains_phrase
from server.policy.file import load_policy

KNOWN = questions.known_targets()
INVENTED = questions.invented_targets()


def test_there_are_enough_of_each_kind() -> None:
    assert len(KNOWN) >= 12
    assert {target.kind for target in KNOWN} == {"work", "person", "know-how"}
    assert len(questions.questions(KNOWN)) >= 150
    assert len(questions.namesakes(KNOWN)) >= 24
    assert {question.form for question in questions.questions(KNOWN)} == set(questions.FORMS)


@pytest.mark.parametrize("target", [*KNOWN, *INVENTED], ids=lambda target: target.id)
def test_a_third_of_the_facts_is_withheld_from_the_policy(target: questions.Target) -> None:
    share = len(target.unlisted) / (len(target.unlisted) + len(target.listed))
    assert 0.3 <= share <= 0.4
    entry = questions.policy([target])["targets"][0]
    told = [text for example in entry["examples"] for text in example.values()] + [phrase["text"] for phrase in entry["phrases"]]
    assert not [fact for fact in target.unlisted for text in told if contains_phrase(text, fact)]
    assert len(entry["examples"]) >= 3


@pytest.mark.parametrize("targets", [KNOWN, INVENTED], ids=["known", "invented"])
def test_the_server_takes_the_policy(targets: tuple[questions.Target, ...]) -> None:
    policy = load_policy(yaml.safe_dump(questions.policy(targets), allow_unicode=True))
    assert [target.id for target in policy.targets] == [target.id for target in targets]
    assert len(policy.background) > 20


def test_the_policy_says_what_becomes_of_answers() -> None:
    assert questions.policy(KNOWN, {"answer": "mask", "echo": "ban"})["defaults"] == {"answer": "mask", "echo": "ban"}
    assert "defaults" not in questions.policy(KNOWN)


def test_a_name_is_a_secret_where_the_question_does_not_say_it() -> None:
    target = KNOWN[0]
    assert questions.Question(target, "direct", f"Who is {target.name}?").secrets == target.listed
    nameless = questions.Question(target, "nameless", "Who is the boy?")
    assert nameless.secrets == (*target.names, *target.listed)
    assert nameless.secrets_of(KNOWN[1]) == (*KNOWN[1].names, *KNOWN[1].listed)


def test_spread_gives_each_target_its_share() -> None:
    asked = questions.questions(KNOWN)
    chosen = questions.spread(asked, len(KNOWN))
    assert {asked[at].target.id for at in chosen} == {target.id for target in KNOWN}
    assert questions.spread(asked[:3], 10) == [0, 1, 2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda target: target["facts"]["unlisted"].__setitem__(0, target["facts"]["always"][0]), "9 to 12 different facts"),
        (lambda target: target["facts"]["unlisted"].__setitem__(0, "Hogwarts Express"), "overlap"),
        (lambda target: target["questions"]["direct"].__setitem__(0, "Where is Hogwarts?"), "says the fact 'Hogwarts'"),
        (lambda target: target["examples"][0].__setitem__("completion", "He plays Quidditch."), "says the fact 'Quidditch'"),
        (lambda target: target["questions"].__setitem__("namesake", []), None),
    ],
)
def test_broken_promises_are_told(change: object, message: str | None, tmp_path: Path) -> None:
    for name in questions.KINDS:
        data = yaml.safe_load((questions.DATA / f"{name}.yaml").read_text("utf-8"))
        if name == "works":
            change(data["targets"][0])  # type: ignore[operator]
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(data), "utf-8")
    if message is None:
        assert questions.known_targets(tmp_path)[0].namesakes == ()
        return
    with pytest.raises(ValueError, match=message):
        questions.known_targets(tmp_path)


def test_too_little_data_is_told(tmp_path: Path) -> None:
    for name in questions.KINDS:
        (tmp_path / f"{name}.yaml").write_text("targets: []", "utf-8")
    with pytest.raises(ValueError, match="0 targets, 0 questions"):
        questions.known_targets(tmp_path)
