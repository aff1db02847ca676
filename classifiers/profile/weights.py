"""The weights of the features, and the limit from which on a prompt describes a target.

They were fitted by logistic regression on the targets of `evaluation/detection/few/*-dev.yaml`
(`python -m evaluation.detection.fit`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from classifiers.meaning.encoder import Vectors
from classifiers.profile.features import NAMES


@dataclass(frozen=True)
class Weights:
    """A linear model: float32 [features], an intercept, and the log odds from which on a prompt is about a target.

    The limit is lower where the target's name occurs and leaves doubt: among such prompts more are about the target.
    """

    values: Vectors
    intercept: float
    limit: float
    doubtful_limit: float

    def score(self, features: Vectors, doubtful: bool) -> float:
        """Return the log odds that a prompt with these features, float32 [features], is about the target, less the limit."""
        return float(features @ self.values) + self.intercept - (self.doubtful_limit if doubtful else self.limit)

    @classmethod
    def packaged(cls, name: str, features: Sequence[str]) -> Weights:
        """Return the weights of the package under a name. Raises ValueError if they are not those of `features`."""
        found = json.loads(files("classifiers").joinpath(f"data/{name}.json").read_text("utf-8"))
        if tuple(found["weights"]) != tuple(features):
            raise ValueError(f"the weights in classifiers/data/{name}.json are of other features: fit them again")
        values = np.array(list(found["weights"].values()), np.float32)
        return cls(values, float(found["intercept"]), float(found["limit"]), float(found["doubtful_limit"]))


@lru_cache(maxsize=1)
def weights() -> Weights:
    """Return the weights of profiles. Raises ValueError if they are not those of these features."""
    return Weights.packaged("profile", NAMES)
