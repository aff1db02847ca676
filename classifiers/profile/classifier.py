"""The profile classifier: it compares what a prompt says with what is known about a target, and with the names of others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from classifiers.meaning.background import encoded
from classifiers.meaning.encoder import Encoder, Vectors, uncached
from classifiers.naming.search import NO_DOUBT, Doubt
from classifiers.profile.features import Window, features
from classifiers.profile.known import KnownProfiles
from classifiers.profile.others import all_others
from classifiers.profile.profile import Profile
from classifiers.profile.reverse import REVERSE, SCORE, asks_back
from classifiers.profile.weights import Weights, weights
from classifiers.protocol import Match
from classifiers.target import ForgetTarget

NAME = "profile"
MOST_CANDIDATES = 16
"""The most targets that a prompt is compared with, besides those that it names in a doubtful way."""


@dataclass(frozen=True)
class Described:
    """A target that a prompt may be about, the log odds above its limit, and the name of the classifier that computed them."""

    target_id: str
    score: float
    classifier: str = NAME

    def match(self, doubt: float) -> Match | None:
        """Return the match; an uncertain one down to `doubt` below the limit, None below that."""
        if self.score < -doubt:
            return None
        likely = 1 / (1 + math.exp(-max(-30.0, min(30.0, self.score))))
        evidence = f"{self.classifier}:{self.score:+.1f}"
        return Match(self.target_id, likely, evidence, self.classifier, certain=self.score >= 0)


@dataclass(frozen=True)
class Best:
    """The window of a prompt that fits a target best: its number, its log odds above the limit, its features."""

    number: int
    score: float
    features: Vectors


class ProfileClassifier:
    """Scores windows of prompts against the profiles of targets. Safe for threads; the vectors of recent targets are kept."""

    def __init__(self, encoder: Encoder, model: Weights | None = None, file: Path | None = None) -> None:
        """Encode the names of others.

        Args:
            encoder: Encodes the texts of targets, without its cache.
            model: Weights of the features; None for those of the package.
            file: Keeps the vectors of the names for the next start.

        Raises:
            OSError: The file cannot be written.
            EncoderError: The encoder fails; other encoders may raise other exceptions.
        """
        self._encoder = uncached(encoder)
        self._weights = model or weights()
        self.others = encoded(all_others(), self._encoder, file)
        """float32 [others, dimension]: the names of `all_others`."""
        self._known = KnownProfiles(self._encoder)

    def beside(self, encoder: Encoder) -> ProfileClassifier:
        """Return an equal classifier that encodes with `encoder`, cache included, and keeps the vectors of its own targets.

        It is for calibration, which compares texts with many variants of a target: they would push out the targets of requests.
        """
        copy = object.__new__(ProfileClassifier)
        copy.__dict__.update(self.__dict__)
        copy._encoder, copy._known = encoder, KnownProfiles(encoder)
        return copy

    def windows(self, texts: Sequence[str], vectors: Vectors, background: Vectors) -> list[Window]:
        """Return the windows of a prompt, read for comparison.

        Args:
            texts: The windows.
            vectors: float32 [windows, dimension].
            background: float32 [windows], their best cosines with a background prompt.
        """
        others = vectors @ self.others.T
        rows = zip(texts, vectors, background.tolist(), others, strict=True)
        return [Window.of(text, vector, nearest, row) for text, vector, nearest, row in rows]

    def score(self, windows: Sequence[Window], target: ForgetTarget, doubt: Doubt = NO_DOUBT) -> float:
        """Return by how much the best window exceeds the limit of the weights, in log odds; minus infinity without windows.

        Args:
            windows: Windows of one prompt.
            target: The target.
            doubt: What in the prompt may be the target's name.
        """
        return self.best(windows, target, doubt).score if windows else -math.inf

    def best(self, windows: Sequence[Window], target: ForgetTarget, doubt: Doubt = NO_DOUBT) -> Best:
        """Return the window that fits a target best, of one or more; the arguments are those of `score`."""
        profile, vectors = self.known(target)
        found = [features(window, profile, vectors, doubt) for window in windows]
        scores = [self._weights.score(one, doubt.named) for one in found]
        number = max(range(len(windows)), key=scores.__getitem__)
        return Best(number, scores[number], found[number])

    def reverse(self, windows: Sequence[Window], target: ForgetTarget) -> Match | None:
        """Return a match if a window says an answer of the target and asks for the target (`classifiers.profile.reverse`)."""
        profile, _ = self.known(target)
        back = any(asks_back(profile.told, window.told.keys(), window.capitals, profile.known) for window in windows)
        return Match(target.id, SCORE, REVERSE, NAME) if back else None

    def known(self, target: ForgetTarget) -> tuple[Profile, Vectors]:
        """Return the profile of a target and the vectors of its texts, float32 [texts, dimension]."""
        return self._known.of(target)
