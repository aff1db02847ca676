"""Splits: the observed miss rate of the served classifier beside what was promised, or what the server said instead.

Each split chooses other examples. The server calibrates with these, and says what it promises or expects; then questions are
asked that it has not seen.
"""

from __future__ import annotations

import random
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tqdm import tqdm

from classifiers import AliasClassifier, ForgetTarget
from classifiers.calibration.limits import Calibration
from evaluation.detection.few import Subject
from evaluation.detection.measure import classified
from evaluation.detection.served import Served
from evaluation.detection.sets import Asked, Forget, question

FEW_EXAMPLES = 3
"""Of the five examples of a target of the set few, the number that a split takes."""
TOFU_EXAMPLES = 10
"""The same of the twenty questions about an author of TOFU."""

Questions = Literal["rewordings", "new questions"]
Draw = Callable[[random.Random], tuple[list[ForgetTarget], list[Asked]]]


@dataclass(frozen=True)
class Split:
    """What the server said after one choice of examples, and what was observed.

    `promised` is the miss rate that it promises for all prompts, None for none. `said` is the share of the questions without the
    name that it expects to miss; None if it does not say. `observed` is the share of all prompts that were missed, and `unnamed`
    that of the prompts whose target no name shows; None if there is none.
    """

    promised: float | None
    said: float | None
    observed: float
    unnamed: float | None

    @property
    def within(self) -> bool | None:
        """Whether what was observed is within what was promised or said; None if the server said nothing that can be compared."""
        if self.promised is not None:
            return self.observed <= self.promised
        if self.said is None:
            return None
        return self.unnamed is None or self.unnamed <= self.said


def said(calibration: Calibration, questions: Questions) -> tuple[float | None, float | None]:
    """Return the promised miss rate, and the share of the questions without the name that the server expects to miss.

    A promise is for rewordings of examples. For new questions there is none, only the mean of what is expected of each target.
    """
    if questions == "new questions":
        expected = [one.missed for one in calibration.targets.values() if one.missed is not None]
        return None, statistics.fmean(expected) if expected else None
    promises = [group.promised for group in calibration.groups]
    # The group with the largest promise decides: the questions are about the targets of all groups.
    promised = None if None in promises else max((one for one in promises if one is not None), default=None)
    missed = [group.missed for group in calibration.groups if group.missed is not None]
    return promised, max(missed, default=None)


def over(served: Served, draw: Draw, questions: Questions, count: int, name: str = "splits") -> dict[str, Any]:
    """Return the splits and their summary, as plain data.

    Args:
        served: Calibrates with the examples of each split.
        draw: Chooses examples, and returns the targets with them and the prompts about these targets that are asked.
        questions: What is asked: rewordings of the examples, or new questions.
        count: The number of splits, at least 1. Their seeds are 0, 1, 2 and so on.
        name: What the progress bar shows.

    Raises:
        ValueError: The server's calibration is switched off.
    """
    splits = []
    for seed in tqdm(range(count), desc=name, file=sys.stderr):
        targets, asked = draw(random.Random(seed))  # noqa: S311
        classifier = served.calibrated(targets)
        if served.calibration is None:
            raise ValueError("calibration is switched off, so nothing was promised: measure with a miss rate above 0")
        names = AliasClassifier(targets)
        missed, unnamed = [], []
        for (one, found), (_, by_name) in zip(classified(classifier, asked), classified(names, asked), strict=True):
            missed.append(not any(match.certain and match.target_id == one.target for match in found))
            if not any(match.certain and match.target_id == one.target for match in by_name):
                unnamed.append(missed[-1])
        splits.append(
            Split(*said(served.calibration, questions), statistics.fmean(missed), statistics.fmean(unnamed) if unnamed else None)
        )
    return {**summary(splits), "splits": [{**asdict(one), "within": one.within} for one in splits]}


def summary(splits: Sequence[Split]) -> dict[str, float | int | None]:
    """Return the means over the splits, None for what no split has, and how many splits are within what was said."""

    def mean(values: list[float | None]) -> float | None:
        some = [value for value in values if value is not None]
        return statistics.fmean(some) if some else None

    return {
        "promised": mean([one.promised for one in splits]),
        "said": mean([one.said for one in splits]),
        "observed": mean([one.observed for one in splits]),
        "unnamed": mean([one.unnamed for one in splits]),
        "within": sum(one.within is True for one in splits),
        "compared": sum(one.within is not None for one in splits),
    }


def of_few(subjects: Sequence[Subject], every: int = 1) -> Draw:
    """Return what draws three examples of each target, and asks the prompts that describe it."""
    asked = [question(text, one.id) for one in subjects for text in one.described[::every]]

    def draw(rng: random.Random) -> tuple[list[ForgetTarget], list[Asked]]:
        chosen = [sorted(rng.sample(range(len(one.examples)), FEW_EXAMPLES)) for one in subjects]
        return [one.target(numbers) for one, numbers in zip(subjects, chosen, strict=True)], asked

    return draw


def of_tofu(forget: Forget, examples: int = TOFU_EXAMPLES) -> Draw:
    """Return what draws `examples` of the questions about each author as examples, and asks TOFU's paraphrases of these."""
    asked = forget.paraphrased()

    def draw(rng: random.Random) -> tuple[list[ForgetTarget], list[Asked]]:
        targets, paraphrases, start = [], [], 0
        for target in forget.targets:
            numbers = sorted(rng.sample(range(len(target.examples)), min(examples, len(target.examples))))
            targets.append(target.model_copy(update={"examples": [target.examples[number] for number in numbers]}))
            paraphrases += [asked[start + number] for number in numbers]
            start += len(target.examples)
        return targets, paraphrases

    return draw
