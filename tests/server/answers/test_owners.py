"""Owners: the targets that ban a phrase or a form of one, those of the answer first."""

from __future__ import annotations

from classifiers import ForgetTarget
from classifiers.action import Action
from guard.phrase import Phrase
from server.answers.owners import owners


def target(identity: str, name: str, *phrases: str, action: Action = Action.SUPPRESS) -> ForgetTarget:
    return ForgetTarget(id=identity, name=name, phrases=[Phrase(text) for text in phrases], action=action)


RON = target("ron", "Ron Weasley", "Ottery St Catchpole")
TWIN = target("twin", "Ron Weasley")
ADA = target("ada", "Ada Byron", "Kirkby Mallory")
WATCHED = target("watched", "Kirkby Mallory", action=Action.MONITOR)
TARGETS = {each.id: each for each in (RON, TWIN, ADA, WATCHED)}


def patterns(text: str) -> list[str]:
    return [Phrase(text).pattern]


def test_all_targets_that_ban_a_phrase_are_found() -> None:
    assert owners(patterns("Ron Weasley"), TARGETS, ()) == ["ron", "twin"]
    assert owners(patterns("Ottery St Catchpole"), TARGETS, ()) == ["ron"]


def test_those_that_the_answer_is_about_come_first() -> None:
    assert owners(patterns("Ron Weasley"), TARGETS, ["twin"]) == ["twin"]
    assert owners(patterns("Ron Weasley"), TARGETS, ["ada"]) == ["ron", "twin"]


def test_a_form_belongs_to_the_target_of_its_phrase() -> None:
    form = next(one.phrase for one in ADA.banned() if one.reason == "order")
    assert owners([form.pattern], TARGETS, ()) == ["ada"]


def test_a_target_that_bans_nothing_owns_nothing() -> None:
    assert owners(patterns("Kirkby Mallory"), TARGETS, ()) == ["ada"]


def test_what_nobody_bans_has_no_owner() -> None:
    assert owners(patterns("Tea Party"), TARGETS, ()) == []
    assert owners([], TARGETS, ["ron"]) == []
    assert owners(patterns("Ron Weasley"), TARGETS, ["gone"]) == ["ron", "twin"]
