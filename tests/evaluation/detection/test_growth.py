from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.detection import sets
from evaluation.detection.growth import grow, people
from evaluation.detection.sets import Forget, Innocent
from tests.classifiers.conftest import BagOfWords


def test_people_are_invented_and_the_same_each_time() -> None:
    made = list(people(30))
    assert [target.id for target in made] == [f"person-{number:05d}" for number in range(30)]
    assert made == list(people(30))
    assert len({target.name for target in made}) > 25
    for target in made:
        assert len(target.examples) == 20
        assert all(target.name in example.prompt and "{" not in example.prompt for example in target.examples)


@pytest.mark.slow
def test_each_size_is_measured(tofu: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sets, "shipped_background", lambda: ())
    one, three = grow(BagOfWords(), Forget("forget10"), Innocent.load(), (1, 3), 2)
    assert (one["targets"], three["targets"]) == (1, 3)
    for size in (one, three):
        assert size["recall"] == 1.0  # each question names its author; only authors in the list are asked about
        assert set(size["false_alarms"]) == {"retain", "retain paraphrased", "real_authors", "world_facts"}
        assert all(0 <= share <= 1 for share in size["false_alarms"].values())
        assert min(size["latency_ms"], size["build_s"], size["memory_mb"]) > 0
