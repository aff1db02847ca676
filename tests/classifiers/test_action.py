from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from classifiers import ForgetTarget
from classifiers.action import Action

NAMES = ["suppress", "refuse", "monitor"]


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    action: Action


@pytest.mark.parametrize(
    ("action", "verdict", "bans", "answers", "enforces"),
    [
        (Action.SUPPRESS, "restrict", True, True, True),
        (Action.REFUSE, "refuse", True, False, True),
        (Action.MONITOR, "monitor", False, True, False),
    ],
)
def test_what_each_action_means(action: Action, verdict: str, bans: bool, answers: bool, enforces: bool) -> None:
    assert (action.verdict, action.bans, action.answers, action.enforces) == (verdict, bans, answers, enforces)


def test_refuse_is_stricter_than_suppress_and_suppress_than_monitor() -> None:
    for order in permutations(Action):
        assert Action.strictest(order) is Action.REFUSE
    assert Action.strictest([Action.MONITOR, Action.SUPPRESS]) is Action.SUPPRESS


def test_without_actions_none_is_strictest() -> None:
    assert Action.strictest([]) is None


def test_the_report_has_different_texts_for_each() -> None:
    assert len({action.outcome for action in Action}) == len({action.effect for action in Action}) == 3


def test_the_json_schema_is_the_list_of_the_strings() -> None:
    expected = {"default": "suppress", "enum": NAMES, "title": "Action", "type": "string"}
    assert ForgetTarget.model_json_schema()["properties"]["action"] == expected


@pytest.mark.parametrize("name", NAMES)
def test_a_strict_model_reads_the_plain_string(name: str) -> None:
    assert Strict.model_validate({"action": name}).action is Action(name)


def test_json_gets_a_plain_string_which_yaml_can_write() -> None:
    written = Strict(action=Action.REFUSE).model_dump(mode="json")
    assert (type(written["action"]), json.dumps(written)) == (str, '{"action": "refuse"}')


@pytest.mark.parametrize("wrong", ["Suppress", "", None, 1])
def test_anything_else_is_refused(wrong: Any) -> None:
    with pytest.raises(ValidationError, match="Input should be 'suppress', 'refuse' or 'monitor'"):
        Strict.model_validate({"action": wrong})
