from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evaluation.answers import run
from evaluation.answers.run import Subject
from tests.evaluation.answers.measuring import EFFORT, SYSTEMS, asked, finished, subject

__all__ = ["asked", "subject"]

pytestmark = pytest.mark.slow


async def test_what_has_been_measured_is_not_asked_again(subject: Subject, asked: dict[str, Any], tmp_path: Path) -> None:
    await finished(subject, tmp_path, ("none", "prompt"))
    assert len(asked["starts"]) == 1
    assert not asked["server"]
    before = len(asked["engine"])
    await finished(subject, tmp_path)
    assert len(asked["starts"]) == 2
    # Only the times without the guard, beside those with it.
    assert len(asked["engine"]) - before == EFFORT.timed + 1
    await finished(subject, tmp_path)
    assert len(asked["starts"]) == 2


async def test_all_ways_of_the_server_share_one_start(subject: Subject, asked: dict[str, Any], tmp_path: Path) -> None:
    made = await finished(subject, tmp_path, (*SYSTEMS, "strict"))
    assert len(asked["starts"]) == 1
    (policy,) = asked["imported"]
    assert [target.id for target in policy.targets] == [target.id for target in subject.targets]
    assert made.answers("strict") == made.answers("default")


async def test_samples_are_taken_at_temperature_one(subject: Subject, asked: dict[str, Any], tmp_path: Path) -> None:
    await finished(subject, tmp_path)
    sampled = [body for body in asked["server"] if "n" in body]
    assert [(body["n"], body["temperature"]) for body in sampled] == [(2, 1)] * 3
    assert {body["temperature"] for body in asked["server"] if "n" not in body} == {0}
    assert {body["max_tokens"] for body in asked["server"]} == {16}


def test_systems_are_checked() -> None:
    run.check(["none", "filter"])
    with pytest.raises(ValueError, match="no such system here: nonsense; there are none, prompt"):
        run.check(["none", "nonsense"])
    with pytest.raises(ValueError, match="'none' is needed"):
        run.check(["filter"])
