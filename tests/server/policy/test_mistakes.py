"""Mistakes in JSON; `test_file.py` has those in YAML."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from server.api.models import TargetRequest
from server.policy.mistakes import id_of, mistakes


def told(value: Any) -> list[tuple[tuple[str | int, ...], str]]:
    with pytest.raises(ValidationError) as caught:
        TargetRequest.model_validate(value)
    return [one for detail in caught.value.errors(include_input=False) for one in mistakes(detail, value, plain=False)]


def test_an_object_is_written_as_json() -> None:
    ((place, message),) = told({"name": "Ada Brill", "phrases": ["Hogwarts"]})
    assert (place, message) == (("phrases", 0), 'should be an object: write {"text": ...}')


@pytest.mark.parametrize(
    ("phrase", "field"),
    [({"text": "C++"}, "text"), ({"text": "Vel\u0000mont"}, "text"), ({"text": "cake", "penalty": -1}, "penalty")],
)
def test_a_phrase_is_told_by_its_field(phrase: dict[str, Any], field: str) -> None:
    ((place, _),) = told({"name": "Ada Brill", "phrases": [{"text": "cake"}, phrase]})
    assert place == ("phrases", 1, field)


@pytest.mark.parametrize(
    ("target", "found"), [({"id": "a-1"}, "a-1"), ({"id": "Ada Brill"}, None), ({"id": 1}, None), ("a", None)]
)
def test_only_what_is_an_id_is_shown_as_one(target: Any, found: str | None) -> None:
    assert id_of(target) == found
