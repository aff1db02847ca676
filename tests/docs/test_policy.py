"""docs/policy.md against the models of a policy file."""

from __future__ import annotations

from dataclasses import fields

import pytest
from pydantic import BaseModel

from classifiers import ForgetTarget
from classifiers.detection import Detection
from classifiers.semantic import SemanticSpec
from guard import Phrase
from server.policy.file import Policy
from tests.docs.conftest import named, page, rows

SECTIONS = [section for section in page("docs/policy.md").split("\n\n") if section.startswith("| key")]


def written(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def keys(section: str) -> set[str]:
    return {named(cells[0])[0] for columns in (2, 3) for cells in rows(section, columns)}


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (0, written(Policy)),
        (1, written(ForgetTarget)),
        (2, {field.name for field in fields(Phrase) if field.init}),
        (3, {field.name for field in fields(Detection)}),
        (4, set(SemanticSpec.model_fields)),
    ],
)
def test_every_key_is_there_and_no_other(at: int, expected: set[str]) -> None:
    assert keys(SECTIONS[at]) == expected


def test_defaults_are_what_it_says() -> None:
    shown = {named(cells[0])[0]: cells[1].strip("`") for at in (2, 3, 4) for cells in rows(SECTIONS[at], 3)}
    phrase = {field.name: field.default for field in fields(Phrase) if field.init}
    assert (shown["scope"], shown["match"]) == (phrase["scope"], phrase["match"])
    assert (float(shown["beta"]), shown["force"]) == (phrase["beta"], str(phrase["force"]).lower())
    assert {field.name: shown[field.name] for field in fields(Detection)} == {
        field.name: str(getattr(Detection(), field.name)) for field in fields(Detection)
    }
    semantic = SemanticSpec.model_fields
    assert [float(shown[name]) for name in ("delta", "floor", "weight")] == [
        semantic[name].default for name in ("delta", "floor", "weight")
    ]
