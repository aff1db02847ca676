"""Features: how near a prompt in another language is to a target, compared with everything else it might be about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from classifiers.meaning.encoder import Vectors
from classifiers.profile.profile import Profile

NAMES = (
    "ask z",  # best cosine with an example, in standard deviations above the mean cosine with background prompts
    "tell z",  # best cosine with a completion, a document or a phrase, above the mean cosine with the names of others
    "name z",
    "whole z",  # cosine with the mean of all texts of the target
    "other z",  # the same for the nearest other
    "background z",
    "name lead z",  # by how much the name is nearer than the nearest other
    "tell lead z",
    "ask lead z",
    "ask",
    "ask lead",  # by how much an example is nearer than the nearest background prompt
    "tell",
    "tell lead",
    "name",
    "name lead",
    "name over background",
    "best lead",
    "whole",
    "whole lead",
    "name lead squared",
    "ask x name",
    "doubtful",  # 1 if the name occurs, but may be an ordinary word
)
# A standard deviation below this says that a text has no meaning; that of the real encoder is about 0.1.
_LEAST_SPREAD = 0.005


@dataclass(frozen=True)
class Reach:
    """A window of a prompt and how near it is to everything that is not a target, computed once for all targets.

    The cosines of texts in two languages are lower than those of texts in one, by how much depends on the languages. So a
    feature counts standard deviations above what is usual for this window.

    Attributes:
        vector: float32 [dimension].
        background: its best cosine with a background prompt, and the mean and the standard deviation of all.
        others: float32 [others], its cosines with the names of `all_others`.
    """

    vector: Vectors
    background: tuple[float, float, float]
    others: Vectors

    @classmethod
    def of(cls, vectors: Vectors, background: Vectors, others: Vectors) -> list[Reach]:
        """Return the reach of each window.

        Args:
            vectors: float32 [windows, dimension].
            background: float32 [prompts, dimension].
            others: float32 [others, dimension].
        """
        near, far = vectors @ background.T, vectors @ others.T
        usual = zip(near.max(1).tolist(), near.mean(1).tolist(), near.std(1).tolist(), strict=True)
        return [cls(vector, found, row) for vector, found, row in zip(vectors, usual, far, strict=True)]


def features(reach: Reach, profile: Profile, vectors: Vectors, doubtful: bool) -> Vectors:
    """Return the features of a window and a target, in the order of `NAMES`: float32 [features].

    Args:
        reach: A window of a prompt.
        profile: The target.
        vectors: float32 [texts, dimension], of `profile.texts()`.
        doubtful: Whether the prompt holds the target's name in a way that leaves doubt.
    """
    cosines = vectors @ reach.vector
    asks, tells = len(profile.asks), len(profile.tells)
    ask, tell, name = (_best(part) for part in (cosines[:asks], cosines[asks : asks + tells], cosines[asks + tells :]))
    centre = vectors.mean(0)
    whole = float(centre @ reach.vector / max(float(np.linalg.norm(centre)), 1e-6))
    nearest, usual = reach.background[:2]
    spread = max(reach.background[2], _LEAST_SPREAD)
    other = float(reach.others[profile.strangers].max())
    mean, deviation = float(reach.others.mean()), max(float(reach.others.std()), _LEAST_SPREAD)
    found = (
        (ask - usual) / spread,
        (tell - mean) / deviation,
        (name - mean) / deviation,
        (whole - mean) / deviation,
        (other - mean) / deviation,
        (nearest - usual) / spread,
        (name - other) / deviation,
        (tell - other) / deviation,
        (ask - nearest) / spread,
        ask,
        ask - nearest,
        tell,
        tell - nearest,
        name,
        name - other,
        name - nearest,
        max(ask, tell, name) - max(other, nearest),
        whole,
        whole - nearest,
        max(name - other, 0.0) ** 2,
        ask * name,
        doubtful,
    )
    return np.array(found, np.float32)


def _best(cosines: Vectors) -> float:
    """Return the best of some cosines; 0 if there are none."""
    return float(cosines.max()) if len(cosines) else 0.0
