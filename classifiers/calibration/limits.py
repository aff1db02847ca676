"""Limits: the conformity score from which on a text counts as being about a target, so that a promised share is found.

The method is split conformal prediction (Vovk, Gammerman and Shafer 2005; Papadopoulos et al. 2002; Angelopoulos and Bates 2021,
arXiv 2107.07511). Take n texts that are about a target and that the classifier has not seen, and compute their conformity scores
(`classifiers.meaning.nearest.conformity`). If the limit is the floor(alpha (n + 1))-th smallest score, the classifier misses one
more such text with a probability of at most alpha, for any encoder and any distribution, provided that this text is exchangeable
with the n texts. Each group of targets is calibrated by itself (Mondrian conformal prediction, Vovk et al. 2005), so the promise
holds for each group.

The promise is worth as much as the texts. Prompts that people really sent (`asked`) are the best. A group with too few of them
uses generated paraphrases of its examples. Then the promise holds for questions of the examples in wordings that the generator
could produce, and not for wordings that people choose themselves. It does not hold for questions that no example asks, either:
`held_out`, where each example is compared only with the others, estimates how many of those are found. That figure is reported
but does not change the limit, because a limit that finds questions unlike all examples also finds innocent questions.

The promise is kept under a cap on false alarms. A limit that keeps the miss rate may lie so low that innocent prompts pass it:
with one to three examples it does. Then the cap decides: the limit stays where it is, and `missed` says what share of the texts
that do not name their target is missed. Innocent prompts are those of the background; the negatives that are made of a target's
examples (`classifiers.calibration.negatives`) raise its own limit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

import numpy as np

from classifiers.meaning.encoder import Vectors

CAP = 0.005
"""The share of innocent prompts that may be found, if nothing else is set."""
DEFAULT_LIMIT = 0.0
"""The limit without calibration: both thresholds as they are."""


@dataclass(frozen=True, slots=True)
class GroupCalibration:
    """The limit of one group of targets, what it promises, and what it is expected to cost."""

    group: str
    targets: int
    """How many targets of the group have examples."""
    bare: int
    """How many have none. These are found by name alone, and nothing is promised for them."""
    alpha: float
    """The miss rate that was asked for."""
    n: int
    """The number of texts from which the limit was computed."""
    source: Literal["asked", "paraphrases"]
    """What these texts were."""
    needed: int
    """The number of texts from which on a limit can keep the promise."""
    conformal: float | None
    """The limit that keeps the promise: None if there are fewer than `needed` texts, infinite if the names alone keep it."""
    default: float
    cap: float
    """The share of innocent prompts that may be found."""
    capped: float
    """The lowest limit that keeps the cap; minus infinity without innocent prompts."""
    limit: float
    """The limit in use: `conformal`, less a rounding error, but not below `capped`, and never above `default`."""
    promised: float | None
    """`alpha`, or None if nothing can be promised: there are too few texts, or the cap decides."""
    missed: float | None
    """The share of the texts that do not name their target and are below the limit; None without such texts."""
    observed: float | None
    """The miss rate of half of the texts under a limit from the other half; None without texts."""
    held_out: float | None
    """The share of examples that are found by the target's other examples; None if no target has two examples."""
    false_alarms: float | None
    """The share of innocent prompts that are found under `limit`; a background prompt as if it were not in the background. None
    without any."""
    false_alarms_default: float | None
    """The same share under the default limit."""


@dataclass(frozen=True, slots=True)
class TargetCalibration:
    """What the negatives of one target ask for, and what is expected of its detection."""

    limit: float
    """The lowest limit of the nearest classifier that its own negatives allow; minus infinity without negatives."""
    raised: float
    """What is added to the limit of the profile classifier; 0 without negatives that come near."""
    negatives: int
    """The number of negatives."""
    missed: float | None
    """The share of what its own examples say, without its name, that is not found by the other examples; None with fewer than two
    examples."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The limits of all groups. Immutable."""

    groups: tuple[GroupCalibration, ...]
    group_of: Mapping[str, str] = field(repr=False)
    """The group of each target that was calibrated, by target id."""
    targets: Mapping[str, TargetCalibration] = field(default_factory=dict, repr=False)
    """By target id, of each target with examples."""

    @property
    def limits(self) -> dict[str, float]:
        """The limit of each calibrated target by its id, as `NearestClassifier` takes it."""
        of_group = {group.group: group.limit for group in self.groups}
        own = {target_id: found.limit for target_id, found in self.targets.items()}
        return {target_id: max(of_group[group], own.get(target_id, -math.inf)) for target_id, group in self.group_of.items()}

    @property
    def raised(self) -> dict[str, float]:
        """What is added to the limit of the profile classifier, by the id of each target that needs it."""
        return {target_id: found.raised for target_id, found in self.targets.items() if found.raised}


def texts_needed(alpha: float) -> int:
    """Return the number of texts that a limit with the miss rate `alpha` needs: ceil(1 / alpha) - 1, at least one."""
    return max(1, math.ceil(1 / Fraction(str(alpha))) - 1)


def conformal_limit(scores: Vectors, alpha: float) -> float | None:
    """Return the limit of split conformal prediction: the floor(alpha (n + 1))-th smallest score.

    A further score that is exchangeable with the given ones is below the limit with a probability of at most `alpha`.

    Args:
        scores: float32 [n], conformity scores.
        alpha: The miss rate, in (0, 1).

    Returns:
        The limit; None if n is so small that the rank is zero.
    """
    rank = math.floor(Fraction(str(alpha)) * (len(scores) + 1))  # exact: 0.29 * 100 is less than 29 in floating point
    return float(np.partition(scores, rank - 1)[rank - 1]) if rank else None


def capped_limit(alarms: Vectors, cap: float) -> float:
    """Return the lowest limit that at most a share `cap` of innocent prompts reaches.

    Args:
        alarms: float32 [n], conformity scores of innocent prompts.
        cap: The share, in [0, 1].

    Returns:
        A number just above the score of the first prompt that must not pass; minus infinity if all may pass.
    """
    passing = math.floor(Fraction(str(cap)) * len(alarms))
    if passing >= len(alarms):
        return -math.inf
    first = np.partition(alarms, len(alarms) - 1 - passing)[len(alarms) - 1 - passing]
    return float(np.nextafter(first, np.float32(np.inf)))


def observed_miss_rate(scores: Vectors, alpha: float) -> float | None:
    """Return the share of one random half of `scores`, float32 [n], that is below a limit from the other half; None if n < 2."""
    if len(scores) < 2:
        return None
    order = np.random.default_rng(0).permutation(len(scores))
    first, second = scores[order[::2]], scores[order[1::2]]
    limit = conformal_limit(first, alpha)
    return float((second < (DEFAULT_LIMIT if limit is None else min(DEFAULT_LIMIT, limit))).mean())
