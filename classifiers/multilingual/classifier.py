"""The multilingual classifier: it compares prompts in other languages than English with what is known about targets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from classifiers.meaning.background import encoded
from classifiers.meaning.encoder import CachedEncoder, Encoder, Vectors
from classifiers.multilingual.features import NAMES as MEANT
from classifiers.multilingual.features import Reach, features
from classifiers.multilingual.kept import KeptEncoder
from classifiers.multilingual.said import NAMES as SAID
from classifiers.multilingual.said import Said
from classifiers.profile.known import KnownProfiles
from classifiers.profile.others import all_others
from classifiers.profile.weights import Weights
from classifiers.target import ForgetTarget

NAME = "multilingual"
NAMES: Final = (*MEANT, *SAID)
"""The features of the encoder, then those of what is said in letters and sounds."""


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

    def score(
        self, windows: Sequence[Reach], said: Said, target: ForgetTarget, doubtful: bool = False, heard: bool = False
    ) -> float:
        """Return by how much the best window exceeds the limit of the weights, in log odds; minus infinity without windows.

        Args:
            windows: The windows of a prompt.
            said: The prompt.
            target: The target.
            doubtful: Whether its name is written in the prompt in a way that leaves doubt.
            heard: Whether something in the prompt sounds like its name.
        """
        found = self.features(windows, said, target, doubtful or heard)
        # A name that is heard has features of its own: it does not change the limit.
        return max((self._weights.score(one, doubtful) for one in found), default=-math.inf)

    def features(self, windows: Sequence[Reach], said: Said, target: ForgetTarget, doubtful: bool) -> list[Vectors]:
        """Return the features of each window in the order of `NAMES`, float32 [features].

        Args:
            windows: The windows of a prompt.
            said: The prompt.
            target: The target.
            doubtful: Whether its name may be in the prompt.
        """
        profile, vectors = self.known.of(target)
        told = said.of(target.names, profile) if windows else None
        return [np.concatenate([features(window, profile, vectors, doubtful), told]) for window in windows]
