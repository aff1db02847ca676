"""Targets that share a name, or of which one has a name inside a name of another."""

from __future__ import annotations

import time

from classifiers import ForgetTarget
from server.policy.hints.namesakes import MOST, Namesakes


def target(target_id: str, *names: str) -> ForgetTarget:
    return ForgetTarget(id=target_id, name=names[0], aliases=list(names[1:]))


def test_two_targets_with_one_name_are_told_of_each_other() -> None:
    one, other = target("a", "Zorin Quaddle", "Quaddle"), target("b", "Vesna Oblak", "zorin  QUADDLE")
    namesakes = Namesakes([one, other])
    assert namesakes.warnings(one)[0].startswith("name is a name of target b, too: a prompt that says it is about both")
    assert any(warning.startswith("aliases[0] is a name of target a") for warning in namesakes.warnings(other))
    assert not any("uaddle" in warning for warning in namesakes.warnings(one) + namesakes.warnings(other))


def test_a_name_that_is_a_part_of_another_s_is_told_on_both_sides() -> None:
    short, long = target("short", "Quaddle"), target("long", "Zorin Quaddle Tharn")
    namesakes = Namesakes([short, long])
    assert namesakes.warnings(short) == [
        "name is a part of a name of target long: a prompt that says that name is about both, too"
    ]
    (warning,) = namesakes.warnings(long)
    assert warning.startswith("name has a name of target short in it")


def test_words_that_only_look_alike_are_no_namesakes() -> None:
    one = target("a", "Zorin Quaddle")
    assert Namesakes([one, target("b", "Zorin Tharn"), target("c", "Quaddles Zorin")]).warnings(one) == []
    assert Namesakes([one]).warnings(target("new", "Ada Byron")) == []


def test_a_target_that_is_previewed_is_not_its_own_namesake() -> None:
    one = target("a", "Zorin Quaddle", "Quaddle")
    assert Namesakes([one]).warnings(one) == []


def test_there_are_few_warnings_about_one_target() -> None:
    many = [target(f"t{number}", "Zorin Quaddle") for number in range(20)]
    told = Namesakes(many).warnings(many[0])
    assert len(told) == MOST + 1
    assert told[-1] == "and 14 more names of other targets"


def test_ten_thousand_targets_take_no_time() -> None:
    many = [target(f"t{number}", f"Zorin Quaddle{number}") for number in range(10_000)]
    started = time.perf_counter()
    namesakes = Namesakes(many)
    assert namesakes.warnings(target("new", "Zorin Quaddle77 Tharn")) != []
    assert time.perf_counter() - started < 2
