"""Encoders whose cosines are known by construction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def unlike(texts: Sequence[str]) -> NDArray[np.float32]:
    """An encoder to which no two words are alike, not even equal ones: there is hard matching only."""
    return np.zeros((len(texts), 4), np.float32)


def equal_words(texts: Sequence[str]) -> NDArray[np.float32]:
    """An encoder to which equal words are equal and all others have nothing in common, but for wizards and magicians."""
    vectors = np.zeros((len(texts), 1024), np.float32)
    for row, text in enumerate(texts):
        vectors[row, sum(text.encode()) % 1000] = 1.0
        if text in ("wizard", "magician"):
            vectors[row] = 0
            vectors[row, 1000] = 1
            vectors[row, 1001] = {"wizard": 0.0, "magician": 1.0}[text]
            vectors[row] /= np.linalg.norm(vectors[row])
    return vectors
