"""Recall, false alarms and the promised miss rate of detection, measured on TOFU."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from classifiers import AliasClassifier, Classifier, Encoder, ForgetTarget, Match, NearestClassifier
from classifiers.calibration.limits import DEFAULT_LIMIT, conformal_limit
from classifiers.meaning.background import Background
from classifiers.multilingual.classifier import Multilingual
from evaluation.detection.attacks import ATTACKS
from evaluation.detection.few import NUMBERS
from evaluation.detection.rivals import rivals
from evaluation.detection.served import Served
from evaluation.detection.sets import FORGET, Asked, Forget, Innocent, question


@dataclass(frozen=True)
class Effort:
    """How much is asked.

    Attributes:
        authors: number of authors of each forget set; None for all.
        every: of the innocent files and the shipped background, each line of this number is taken.
        asked: of the prompts, each of this number is asked.
        ways: of the ways of asking, each of this number is tried.
        sets: forget sets, forget10 among them.
        splits: number of random halves that set limits, and of random choices of examples.
        subjects: number of targets of each kind of the set few; None for all.
        numbers: the numbers of examples that these have in turn.
    """

    authors: int | None = None
    every: int = 1
    asked: int = 1
    ways: int = 1
    sets: tuple[str, ...] = FORGET
    splits: int = 20
    subjects: int | None = None
    numbers: tuple[int, ...] = NUMBERS

    def some(self, asked: Sequence[Asked]) -> Sequence[Asked]:
        """Return the prompts that are asked."""
        return asked[:: self.asked]


FULL = Effort()
SMALL = Effort(authors=2, every=20, asked=20, ways=8, sets=("forget10",), splits=2, subjects=1, numbers=(1, 3))
ALPHAS = (0.01, 0.05, 0.1)
_CHUNK = 64


def recall(classifier: Classifier, asked: Sequence[Asked]) -> float:
    """Return the share of prompts in which the classifier finds the target that they are about."""
    return statistics.fmean(
        any(match.certain and match.target_id == one.target for match in found) for one, found in classified(classifier, asked)
    )


def alarms(classifier: Classifier, asked: Sequence[Asked]) -> float:
    """Return the share of innocent prompts in which the classifier finds any target."""
    return statistics.fmean(any(match.certain for match in found) for _, found in classified(classifier, asked))


def classified(classifier: Classifier, asked: Sequence[Asked]) -> list[tuple[Asked, list[Match]]]:
    """Return each prompt with its matches."""
    chunks = [asked[at : at + _CHUNK] for at in range(0, len(asked), _CHUNK)]
    return [pair for chunk in chunks for pair in zip(chunk, classifier.classify([one.text for one in chunk]), strict=True)]


def side_by_side(forget: Forget, innocent: Innocent, encoder: Encoder, served: Served, effort: Effort = FULL) -> dict[str, Any]:
    """Return recall and false alarms of the served classifier and of its rivals, for one forget set."""
    classifiers: dict[str, Classifier] = {
        "guard-server": served.calibrated(forget.targets),
        "guard-server, not calibrated": served.uncalibrated(forget.targets),
        **rivals(forget.targets, innocent.full_background, encoder),
    }
    asked = {"original": forget.original(), "paraphrased": forget.paraphrased()}
    if forget.name == "forget10":
        asked |= {"hand-written": forget.written(), **forget.languages()}
    found: dict[str, Any] = {}
    for name, classifier in tqdm(classifiers.items(), desc=f"{len(forget.targets)} targets", file=sys.stderr):
        found[name] = {
            "recall": {kind: recall(classifier, effort.some(texts)) for kind, texts in asked.items()},
            "false_alarms": {kind: alarms(classifier, effort.some(texts)) for kind, texts in innocent.asked.items()},
        }
    found["guard-server"]["false_alarms"]["background"] = on_shipped(forget.targets, innocent, encoder, served, effort)
    return found


def on_shipped(
    targets: Sequence[ForgetTarget], innocent: Innocent, encoder: Encoder, served: Served, effort: Effort, operator: bool = True
) -> float:
    """Return the false alarms on the shipped prompts.

    None of them is a false alarm while it is in the background, so each half is asked while the other is the background.

    Args:
        targets: The forget targets.
        innocent: Holds the shipped prompts.
        encoder: Encodes the halves.
        served: Sets the limits, with the whole background.
        effort: How much is asked.
        operator: Whether the operator's innocent prompts are in the background as well.
    """
    first, second = innocent.halves()
    two = []
    for kept, asked in ((first, second), (second, first)):
        background = [*kept, *(innocent.background if operator else ())]
        half = served.calibrate(served.beside(Background(background, encoder)).uncalibrated(targets), targets)
        two.append(alarms(half, effort.some([question(text) for text in asked])))
    return statistics.fmean(two)


def without_operator(
    forget: Forget, innocent: Innocent, encoder: Encoder, effort: Effort = FULL, multilingual: Multilingual | None = None
) -> dict[str, float]:
    """Return the false alarms of the served classifier where the operator lists no innocent prompt, by innocent set."""
    served = Served(Background(innocent.shipped, encoder), encoder, multilingual=multilingual)
    classifier = served.calibrated(forget.targets)
    return {kind: alarms(classifier, effort.some(texts)) for kind, texts in innocent.asked.items()}


def under_attack(forget: Forget, served: Served, effort: Effort = FULL) -> dict[str, float]:
    """Return the recall of the served classifier for each way of asking."""
    classifier = served.calibrated(forget.targets)
    shown = tqdm(list(ATTACKS.items())[:: effort.ways], desc="ways of asking", file=sys.stderr)
    return {name: recall(classifier, effort.some(forget.attacked(attack))) for name, attack in shown}


def promised(forget: Forget, innocent: Innocent, encoder: Encoder, effort: Effort = FULL) -> dict[str, Any]:
    """Return observed miss rates: one half of the paraphrased questions sets the limit, and the other half is asked.

    `with names`: a prompt that names its target counts as found, so the promise is that of the whole classifier. `without names`:
    the promise is that of the nearest classifier alone. The score of a text does not depend on the split into halves.
    """
    asked = forget.paraphrased()
    nearest = NearestClassifier(forget.targets, innocent.full_background, encoder)
    column = {target.id: number for number, target in enumerate(forget.targets)}
    scores = nearest.scores([one.text for one in asked])[np.arange(len(asked)), [column[str(one.target)] for one in asked]]
    found_by = classified(AliasClassifier(forget.targets), asked)
    named = [any(match.certain and match.target_id == one.target for match in matches) for one, matches in found_by]
    found: dict[str, Any] = {}
    for kind, values in {"with names": np.where(named, np.float32(np.inf), scores), "without names": scores}.items():
        for alpha in ALPHAS:
            missed, limits = [], []
            for split in range(effort.splits):
                order = np.random.default_rng(split).permutation(len(values))
                half, rest = values[order[::2]], values[order[1::2]]
                conformal = conformal_limit(half, alpha)
                limit = DEFAULT_LIMIT if conformal is None else min(DEFAULT_LIMIT, conformal)
                missed.append(float((rest < limit).mean()))
                limits.append(limit)
            key = f"{kind}, alpha {alpha:g}"
            found[key] = {"mean": statistics.fmean(missed), "max": max(missed), "missed": missed, "limits": limits}
    return found


class Tofu:
    """The measurements on TOFU's forget sets."""

    def __init__(
        self, encoder: Encoder, innocent: Innocent, effort: Effort = FULL, multilingual: Multilingual | None = None
    ) -> None:
        """Encode the background.

        Args:
            encoder: Encodes all texts.
            innocent: TOFU's innocent prompts and the shipped background.
            effort: How much is asked.
            multilingual: What reads other languages; None for a server without it.

        Raises:
            OSError: The files of TOFU are missing.
        """
        self._encoder = encoder
        self._innocent = innocent
        self._effort = effort
        self._multilingual = multilingual
        self._served = Served(Background(innocent.full_background, encoder), encoder, multilingual=multilingual)
        self._largest = Forget("forget10", effort.authors)

    def figures(self) -> dict[str, Any]:
        """Return what is found of each set side by side with rivals, and the promised miss rate: plain data."""
        side = {
            name: side_by_side(Forget(name, self._effort.authors), self._innocent, self._encoder, self._served, self._effort)
            for name in tqdm(self._effort.sets, desc="forget sets", file=sys.stderr)
        }
        return {
            "side_by_side": side,
            "without_operator": without_operator(self._largest, self._innocent, self._encoder, self._effort, self._multilingual),
            "promised": promised(self._largest, self._innocent, self._encoder, self._effort),
        }

    def attacks(self) -> dict[str, float]:
        """Return the recall by way of asking."""
        return under_attack(self._largest, self._served, self._effort)
