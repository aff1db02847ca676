"""The multilingual classifier: it compares prompts in other languages than English with what is known about targets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from classifiers.meaning.background import encoded
from classifiers.meaning.encoder import CachedEncoder, Encoder
from classifiers.multilingual.features import NAMES, Reach, features
from classifiers.multilingual.kept import KeptEncoder
from classifiers.profile.known import KnownProfiles
from classifiers.profile.others import all_others
from classifiers.profile.weights import Weights
from classifiers.target import ForgetTarget

NAME = "multilingual"


class Multilingual:
    """Scores windows of prompts against the profiles of targets, across languages. Safe for threads."""

    def __init__(
        self,
        encoder: Encoder,
        background: Sequence[str],
        cache: Path | None = None,
        names: Path | None = None,
        model: Weights | None = None,
    ) -> None:
        """Encode the background and the names of others.

        Args:
            encoder: A multilingual encoder, such as `classifiers.multilingual.encoder.MultilingualEncoder`.
            background: Innocent prompts.
            cache: A folder that keeps the vectors of what comes with the package.
            names: A file that keeps the vectors of the targets' names.
            model: Weights of the features; None for those of the package.

        Raises:
            OSError: A file cannot be written.
            EncoderError: The encoder fails; other encoders may raise other exceptions.
        """
        self._background = encoded(background, encoder, cache and cache / "background.safetensors")
        self._others = encoded(all_others(), encoder, cache and cache / "others.safetensors")
        self.names = KeptEncoder(encoder, names)
        """Encodes names of targets."""
        self._encoder = CachedEncoder(encoder)
        self._weights = model or Weights.packaged(NAME, NAMES)
        self.known = KnownProfiles(encoder)
        """The profiles of targets, with vectors of this encoder."""

    def reach(self, texts: Sequence[str]) -> list[Reach]:
        """Return the reach of windows of prompts. Errors are those of the encoder."""
        return Reach.of(self._encoder.encode(texts), self._background, self._others) if texts else []

    def score(self, windows: Sequence[Reach], target: ForgetTarget, doubtful: bool = False) -> float:
        """Return by how much the best window exceeds the limit of the weights, in log odds; minus infinity without windows."""
        profile, vectors = self.known.of(target)
        scores = (self._weights.score(features(window, profile, vectors, doubtful), doubtful) for window in windows)
        return max(scores, default=-math.inf)
