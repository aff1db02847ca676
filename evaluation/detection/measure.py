"""Recall, false alarms and the promised miss rate of detection, measured on TOFU."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from classifiers import AliasClassifier, CachedEncoder, Classifier, Encoder, NearestClassifier
from classifiers.calibration.limits import DEFAULT_LIMIT, conformal_limit
from classifiers.meaning.background import Background
from evaluation.detection.attacks import ATTACKS
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
        splits: number of random halves that set limits.
    """

    authors: int | None = None
    every: int = 1
    asked: int = 1
    ways: int = 1
    sets: tuple[str, ...] = FORGET
    splits: int = 20

    def some(self, asked: Sequence[Asked]) -> Sequence[Asked]:
        """Return the prompts that are asked."""
        return asked[:: self.asked]


FULL, SMALL = Effort(), Effort(authors=2, every=20, asked=20, ways=8, sets=("forget10",), splits=2)
ALPHAS = (0.01, 0.05, 0.1)
_CHUNK = 64


def recall(classifier: Classifier, asked: Sequence[Asked]) -> float:
    """Return the share of prompts in which the classifier finds the target that they are about."""
    return statistics.fmean(any(match.target_id == one.target for match in found) for one, found in _found(classifier, asked))


def alarms(classifier: Classifier, asked: Sequence[Asked]) -> float:
    """Return the share of innocent prompts in which the classifier finds any target."""
    return statistics.fmean(bool(found) for _, found in _found(classifier, asked))


def _found(classifier: Classifier, asked: Sequence[Asked]) -> list[tuple[Asked, Any]]:
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
    first, second = innocent.halves()
    found: dict[str, Any] = {}
    for name, classifier in tqdm(classifiers.items(), desc=f"{len(forget.targets)} targets", file=sys.stderr):
        found[name] = {
            "recall": {kind: recall(classifier, effort.some(texts)) for kind, texts in asked.items()},
            "false_alarms": {kind: alarms(classifier, effort.some(texts)) for kind, texts in innocent.asked.items()},
        }
    # No prompt of the shipped background is a false alarm while it is in the background: one half is asked against the other.
    two = []
    for kept, asked_half in ((first, second), (second, first)):
        half = Served(Background([*kept, *innocent.background], encoder), encoder).uncalibrated(forget.targets)
        # With the limits of the whole background.
        two.append(alarms(served.calibrate(half, forget.targets), effort.some([question(text) for text in asked_half])))
    found["guard-server"]["false_alarms"]["background"] = statistics.fmean(two)
    return found


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
    named = [
        any(m.target_id == one.target and m.certain for m in found)
        for one, found in _found(AliasClassifier(forget.targets), asked)
    ]
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


def measure(encoder: Encoder, effort: Effort = FULL) -> dict[str, Any]:
    """Measure everything but growth.

    Returns:
        Plain data that JSON can hold.

    Raises:
        OSError: The files of TOFU are missing.
    """
    cached = CachedEncoder(encoder, capacity=1 << 18)
    innocent = Innocent.load(effort.every)
    served = Served(Background(innocent.full_background, cached), cached)
    sets = {name: Forget(name, effort.authors) for name in effort.sets}
    largest = sets["forget10"]
    return {
        "side_by_side": {name: side_by_side(forget, innocent, cached, served, effort) for name, forget in sets.items()},
        "attacks": under_attack(largest, served, effort),
        "promised": promised(largest, innocent, cached, effort),
    }
