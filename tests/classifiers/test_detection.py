"""Which texts count for a target, as a policy says it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from classifiers import ForgetTarget
from classifiers.detection import Detection, DetectionSpec, RefuseOn, Weight, merged


def test_what_a_target_leaves_out_has_the_default() -> None:
    own = DetectionSpec(history=2, system=Weight.IGNORE)
    assert Detection().with_own(own) == Detection(history=2, system=Weight.IGNORE)
    assert Detection(refuse_on=RefuseOn.HISTORY).with_own(None) == Detection(refuse_on=RefuseOn.HISTORY)
    assert Detection(tools=Weight.COUNT).spec.model_dump(mode="json") == {
        "history": "all",
        "refuse_on": "latest_turn",
        "system": "restrict",
        "tools": "count",
        "documents": "count",
    }


def test_the_defaults_of_a_policy_fill_what_a_target_leaves_out() -> None:
    defaults = DetectionSpec(history=2, system=Weight.IGNORE)
    assert merged(None, defaults) == defaults
    assert merged(DetectionSpec(history="all"), defaults) == DetectionSpec(history="all", system=Weight.IGNORE)


def test_a_target_keeps_only_what_it_says() -> None:
    target = ForgetTarget.model_validate({"id": "a", "name": "Ada Byron", "detection": {"history": 3}})
    assert target.model_dump(mode="json")["detection"] == {"history": 3}
    assert ForgetTarget.model_validate(target.model_dump(mode="json")) == target
    assert "detection" not in ForgetTarget(id="a", name="Ada Byron").model_dump(mode="json")


@pytest.mark.parametrize("wrong", [0, -1, True, 1.5, "2", "some", []])
def test_a_history_is_all_or_a_number_of_turns(wrong: Any) -> None:
    with pytest.raises(ValidationError, match="should be all, or the number of user turns"):
        DetectionSpec(history=wrong)


@pytest.mark.parametrize("wrong", [{"system": "refuse"}, {"tools": True}, {"refuse_on": "last"}, {"documnets": "count"}])
def test_anything_else_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DetectionSpec.model_validate(wrong)
