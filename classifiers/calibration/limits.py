"""Calibration: the limit from which on a text counts as being about a target, so that a promised share is found.

Split conformal prediction (Vovk, Gammerman and Shafer 2005; Papadopoulos et al. 2002; Angelopoulos and Bates 2021, arXiv
2107.07511). Of n texts that are about a target and that the classifier has not seen, take the slack (`nearest.slack`). With the
floor(alpha (n + 1))-th smallest as the limit, one more such text is missed with a probability of at most alpha, whatever the
encoder and whatever the distribution. What it needs is that the next text is drawn like the n were (exchangeability). The groups
are calibrated each by itself (Mondrian conformal prediction, Vovk et al. 2005), so each has the promise.

What the texts are decides what the promise is worth. Prompts that people really sent (`asked`) are the best. Where a group has
too few of them, generated paraphrases of the examples stand in: then the promise holds for questions known from the examples and
worded as the generator may word them, and for nobody's own wording. A question about something that no example asks is another
matter: each example compared with the others only (`held_out`) says how many of those are found. It is reported and does not
enter the limit: a limit that finds questions unlike all examples finds innocent questions as well.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar, Literal

import numpy as np
from pydantic import ConfigDict, TypeAdapter, ValidationError

from classifiers.meaning.encoder import Encoder, Vectors
from classifiers.meaning.nearest import Thresholds

DEFAULT_LIMIT = 0.0

_JSON = ConfigDict(extra="forbid", ser_json_inf_nan="strings")


@dataclass(frozen=True, slots=True)
class GroupCalibration:
    """What one group of targets is promised, and what is expected of it.

    `targets` of the group have examples, `bare` have none: those are found by name alone and nothing is promised for them.
    `alpha` is the miss rate asked for, `n` the number of texts it was computed from, `source` what they were.

    `conformal` is the limit that keeps the promise, None if n texts are too few for any (`needed` are enough), infinite if names
    alone keep it. `limit` is the one in use: the lower of `conformal` (less a rounding error) and `default`, so never stricter
    than without calibration. `promised` is alpha, or None if nothing can be promised; then `limit` is the default.

    `observed` is the miss rate on half of the texts under a limit from the other half, None without texts. `held_out` is the
    share found of the examples, each compared with the target's other examples only, None if no target has two.
    `false_alarms` is the share of background prompts, each compared with the background without itself, that would count as
    being about a target of the group under `limit`, and `false_alarms_default` under the default; None without background.
    """

    group: str
    targets: int
    bare: int
    alpha: float
    n: int
    source: Literal["asked", "paraphrases"]
    needed: int
    conformal: float | None
    default: float
    limit: float
    promised: float | None
    observed: float | None
    held_out: float | None
    false_alarms: float | None
    false_alarms_default: float | None

    __pydantic_config__: ClassVar[ConfigDict] = _JSON


@dataclass(frozen=True, slots=True)
class Calibration:
    """The groups' limits, and what they hold for: an encoder (its fingerprint) and thresholds. Immutable."""

    encoder: str
    thresholds: Thresholds
    groups: tuple[GroupCalibration, ...]
    group_of: Mapping[str, str] = field(repr=False)
    """The group of each target that was calibrated, by target id."""

    __pydantic_config__: ClassVar[ConfigDict] = _JSON

    @property
    def limits(self) -> dict[str, float]:
        """The slack from which on a text is about a target, by target id; what `NearestClassifier` takes."""
        of_group = {group.group: group.limit for group in self.groups}
        return {target_id: of_group[group] for target_id, group in self.group_of.items()}

    def check(self, encoder: Encoder, thresholds: Thresholds) -> None:
        """Raise ValueError unless the limits hold for `encoder` and `thresholds`: with others they would promise nothing."""
        if self.encoder != encoder.fingerprint:
            raise ValueError("calibrated with another encoder")
        if self.thresholds != thresholds:
            raise ValueError("calibrated with other thresholds")

    def to_json(self) -> str:
        """Return the calibration as JSON; an infinite limit as the string "Infinity"."""
        return TypeAdapter(Calibration).dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Calibration:
        """Return what `to_json` wrote. Raises ValueError, without the offending text, if it is something else."""
        try:
            made = TypeAdapter(Calibration).validate_json(text)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            raise ValueError(f"not a calibration: {first['type']} at {first['loc']}") from None
        known = {group.group for group in made.groups}
        # A limit above the default would find less than the thresholds alone do.
        if not known.issuperset(made.group_of.values()) or not all(group.limit <= DEFAULT_LIMIT for group in made.groups):
            raise ValueError("not a calibration: a target's group is not there, or a limit is above the default")
        return made


def texts_needed(alpha: float) -> int:
    """Return the fewest texts with which any limit can promise a miss rate of `alpha`: ceil(1 / alpha) - 1, at least one."""
    return max(1, math.ceil(1 / Fraction(str(alpha))) - 1)


def conformal_limit(scores: Vectors, alpha: float) -> float | None:
    """Return the floor(alpha (n + 1))-th smallest of `scores`, float32 [n]; None if that is the zeroth.

    A further score that is exchangeable with them lies below it with a probability of at most `alpha`.
    """
    rank = math.floor(Fraction(str(alpha)) * (len(scores) + 1))  # exact: 0.29 * 100 is less than 29 in floating point
    return float(np.partition(scores, rank - 1)[rank - 1]) if rank else None


def observed_miss_rate(scores: Vectors, alpha: float) -> float | None:
    """Return the share of one half of `scores` below a limit from the other half."""
    if len(scores) < 2:
        return None
    order = np.random.default_rng(0).permutation(len(scores))
    first, second = scores[order[::2]], scores[order[1::2]]
    limit = conformal_limit(first, alpha)
    return float((second < (DEFAULT_LIMIT if limit is None else min(DEFAULT_LIMIT, limit))).mean())
