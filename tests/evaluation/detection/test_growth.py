from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.detection import sets
from evaluation.detection.growth import grow, one_example, people
from evaluation.detection.sets import Forget, Innocent, question
from tests.classifiers.conftest import BagOfWords


def test_people_are_invented_and_the_same_each_time() -> None:
    made = list(people(30))
    assert [target.id for target in made] == [f"person-{number:05d}" for number in range(30)]
    assert made == list(people(30))
    assert len({target.name for target in made}) > 25
    for target in made:
        assert len(target.examples) == 20
        assert all(target.name in example.prompt and "{" not in example.prompt for example in target.examples)


def test_people_with_one_example_are_asked_different_questions() -> None:
    made, full = list(people(40, 1)), list(people(40))
    assert [(target.id, target.name) for target in made] == [(target.id, target.name) for target in full]
    assert {len(target.examples) for target in made} == {1}
    asked = {target.examples[0].prompt.replace(target.name, "X").partition(" in ")[0] for target in made[:20]}
    assert len(asked) == 20


@pytest.mark.slow
def test_a_list_with_one_example_each(tofu: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sets, "shipped_background", lambda: ("How do I bake bread?",))
    name = next(people(1, 1)).name
    found = one_example(BagOfWords(), Innocent.load(), [question(f"Was {name} there?"), question("Why?")], 3)
    assert (found["targets"], found["recall"]) == (3, 1.0)
    assert found["false_alarms"]["few neighbours"] == 0.5
    assert found["false_alarms"].keys() == {"retain", "retain paraphrased", "real_authors", "world_facts", "few neighbours"}
    assert min(found["encode_s"], found["build_s"], found["calibrate_s"]) > 0
    assert abs(found["memory_mb"]) < 10_000


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
