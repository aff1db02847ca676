"""What was missed is compared with what was promised, or with what the server said instead."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from classifiers import ForgetTarget
from classifiers.calibration.limits import Calibration
from classifiers.meaning.background import Background
from evaluation.detection.served import Remembering, Served
from evaluation.detection.sets import Forget, question
from evaluation.detection.splits import FEW_EXAMPLES, Split, of_few, of_tofu, over, said, summary
from tests.classifiers.conftest import BagOfWords
from tests.evaluation.detection.test_few import subject
from tests.evaluation.detection.test_few_measure import Finds


def calibration(groups: list[tuple[float | None, float | None]], targets: Sequence[float | None] = ()) -> Calibration:
    """A calibration that promises and expects this, of groups and of targets."""
    made = {
        "groups": tuple(SimpleNamespace(promised=promised, missed=missed) for promised, missed in groups),
        "targets": {str(number): SimpleNamespace(missed=missed) for number, missed in enumerate(targets)},
    }
    return cast("Calibration", SimpleNamespace(**made))


def test_what_is_said_is_of_the_group_for_rewordings_and_of_the_targets_for_new_questions() -> None:
    assert said(calibration([(0.01, 0.2)]), "rewordings") == (0.01, 0.2)
    assert said(calibration([(0.01, 0.2), (0.05, None)]), "rewordings") == (0.05, 0.2)
    assert said(calibration([(0.01, 0.2), (None, 0.4)]), "rewordings") == (None, 0.4)
    assert said(calibration([(0.01, 0.2)], [0.25, None, 0.75]), "new questions") == (None, 0.5)
    assert said(calibration([(0.01, 0.2)]), "new questions") == (None, None)


@pytest.mark.parametrize(
    ("split", "within"),
    [
        (Split(0.01, 0.5, 0.01, 0.4), True),
        (Split(0.01, 0.5, 0.02, 0.4), False),  # a promise decides
        (Split(None, 0.5, 0.9, 0.5), True),
        (Split(None, 0.5, 0.1, 0.6), False),
        (Split(None, 0.5, 0.1, None), True),
        (Split(None, None, 0.1, 0.1), None),
    ],
)
def test_within(split: Split, within: bool | None) -> None:
    assert split.within is within


def test_the_summary_leaves_out_what_is_missing() -> None:
    found = summary([Split(None, 0.5, 0.25, None), Split(0.01, None, 0.75, 0.5), Split(None, None, 0.5, 1.0)])
    assert found == {"promised": 0.01, "said": 0.5, "observed": 0.5, "unnamed": 0.75, "within": 1, "compared": 2}
    assert summary([Split(None, None, 1.0, None)])["said"] is None


class Calibrated:
    """Stands for the served classifier: it finds the words of `Finds`, and says what it is told to say."""

    def __init__(self, calibration: Calibration | None, **words: str) -> None:
        self.calibration = calibration
        self._words = words

    def calibrated(self, targets: Sequence[ForgetTarget]) -> Finds:
        return Finds(self._words)


def test_missed_prompts_are_counted_with_and_without_those_that_name() -> None:
    target = subject().target(2)
    asked = [question(text, "ada-brill") for text in ("Where is Ada Brill?", "sand", "glass", "more glass")]
    served = Calibrated(calibration([(None, 0.5)]), Ada="ada-brill", sand="ada-brill")
    found = over(cast("Served", served), lambda _: ([target], asked), "rewordings", 2)
    expected = {"promised": None, "said": 0.5, "observed": 0.5, "unnamed": 2 / 3, "within": False}
    assert found["splits"] == [expected, expected]
    assert (found["within"], found["compared"]) == (0, 2)
    with pytest.raises(ValueError, match="switched off"):
        over(cast("Served", Calibrated(None)), lambda _: ([target], asked), "rewordings", 1)


def test_few_draws_three_examples_and_asks_the_descriptions() -> None:
    one = subject()
    draw = of_few([one])
    drawn = [tuple(example.prompt for example in draw(random.Random(seed))[0][0].examples) for seed in range(10)]
    assert {len(set(examples)) for examples in drawn} == {FEW_EXAMPLES}
    assert len(set(drawn)) > 1
    asked = draw(random.Random(0))[1]
    assert [(each.text.text, each.target) for each in asked] == [(text, one.id) for text in one.described]
    assert len(of_few([one], 5)(random.Random(0))[1]) == 2


def test_tofu_asks_the_paraphrases_of_the_examples_that_were_drawn(tofu: Path) -> None:
    forget = Forget("forget10")
    targets, asked = of_tofu(forget, 3)(random.Random(0))
    assert [len(target.examples) for target in targets] == [3, 3]
    paraphrases = {line["question"]: line["paraphrased_question"] for line in forget.lines}
    pairs = [(paraphrases[example.prompt], target.id) for target in targets for example in target.examples]
    assert [(one.text.text, one.target) for one in asked] == pairs


@pytest.mark.slow
def test_the_server_says_something_and_the_same_seed_gives_the_same_figures() -> None:
    encoder = Remembering(BagOfWords())
    served = Served(Background(["How do I bake bread?", "What is a tram?"], encoder), encoder)
    draw: Any = of_few([subject()])
    found = over(served, draw, "new questions", 2)
    assert found == over(served, draw, "new questions", 2)
    assert found["said"] is not None
    assert 0 <= found["observed"] <= 1
