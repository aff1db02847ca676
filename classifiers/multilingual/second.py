"""The second opinion: a prompt on which the profiles are not sure is read with the second encoder as well.

The two encoders were trained on other texts, so they err about other prompts. A linear model weighs the features of both. The
second encoder takes twice the time of the first, so it reads few prompts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from classifiers.meaning.encoder import Vectors
from classifiers.multilingual.classifier import Multilingual
from classifiers.multilingual.features import NAMES as SECOND_NAMES
from classifiers.multilingual.features import Reach
from classifiers.multilingual.features import features as second_features
from classifiers.naming.search import Doubt
from classifiers.profile.classifier import Best, ProfileClassifier
from classifiers.profile.features import NAMES as FIRST_NAMES
from classifiers.profile.features import Window
from classifiers.profile.weights import Weights
from classifiers.target import ForgetTarget

NAMES: Final = (*FIRST_NAMES, *(f"second {name}" for name in SECOND_NAMES if name != "doubtful"))
"""The features of the profiles, then those of the second encoder, which does not learn whether the name occurs."""
_KEPT = [number for number, name in enumerate(SECOND_NAMES) if name != "doubtful"]
UNSURE: Final = (-3.0, 1.5)
"""From how far below the limit of the profiles to how far above it a second opinion is asked for, in log odds."""


def joined(first: Vectors, second: Vectors) -> Vectors:
    """Return the features in the order of `NAMES`, from those of a profile and those of `classifiers.multilingual.features`."""
    return np.concatenate([first, second[_KEPT]])


class SecondOpinion:
    """Scores a window of a prompt with both encoders. Safe for threads."""

    def __init__(self, multilingual: Multilingual, model: Weights | None = None) -> None:
        """Encode nothing yet.

        Args:
            multilingual: Reads prompts and targets with the second encoder.
            model: Weights of the features; None for those of the package.
        """
        self._multilingual = multilingual
        self._weights = model or Weights.packaged("second", NAMES)

    @staticmethod
    def is_asked(best: Best, hinted: bool) -> bool:
        """Return whether the profile is unsure: its score is near the limit, or the prompt holds something like the name."""
        return best.score > UNSURE[0] and (hinted or best.score < UNSURE[1])

    def reach(self, text: str) -> Reach:
        """Return the reach of a window. Errors are those of the encoder."""
        return self._multilingual.reach([text])[0]

    def score(self, best: Best, reach: Reach, target: ForgetTarget, doubtful: bool) -> float:
        """Return by how much a window exceeds the limit of the weights, in log odds.

        Args:
            best: The window as the profiles read it.
            reach: The same window, read with the second encoder.
            target: The target.
            doubtful: Whether the target's name occurs in the prompt in a way that leaves doubt.
        """
        profile, vectors = self._multilingual.known.of(target)
        return self._weights.score(joined(best.features, second_features(reach, profile, vectors, False)), doubtful)


@dataclass(frozen=True)
class Compared:
    """The windows of one prompt, to be compared with targets. The second encoder reads a window at most once.

    Attributes:
        texts: The windows.
        windows: What the profiles read of them.
        second: What gives a second opinion; None if nothing does.
    """

    texts: Sequence[str]
    windows: Sequence[Window]
    second: SecondOpinion | None = None
    _reach: dict[int, Reach] = field(default_factory=dict)

    def score(self, profiles: ProfileClassifier, some: Sequence[int], target: ForgetTarget, doubt: Doubt) -> float:
        """Return by how much the best of some windows exceeds the limit for a target, in log odds.

        Args:
            profiles: Compares windows with targets.
            some: The numbers of the windows, one or more.
            target: The target.
            doubt: What in the prompt may be the target's name.

        Raises:
            EncoderError: An encoder fails; other encoders may raise other exceptions.
        """
        best = profiles.best([self.windows[number] for number in some], target, doubt)
        if self.second is None or not self.second.is_asked(best, doubt.named or doubt.part):
            return best.score
        number = some[best.number]
        if number not in self._reach:
            self._reach[number] = self.second.reach(self.texts[number])
        return self.second.score(best, self._reach[number], target, doubt.named)
