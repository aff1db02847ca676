"""Encoders that tests can compute by hand."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Sequence

import numpy as np

from guard.meaning.anchors import Vectors


class Bigrams:
    """A deterministic encoder: each pair of neighbouring characters is hashed to one of 16 places; words alike are near."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def __call__(self, texts: Sequence[str]) -> Vectors:
        self.calls.append(list(texts))
        counts = np.zeros((len(texts), 16), np.float32)
        for row, text in enumerate(texts):
            for pair in itertools.pairwise(f"^{text}$"):
                counts[row, hashlib.sha256("".join(pair).encode()).digest()[0] % 16] += 1
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


class Table:
    """An encoder of a few words at chosen cosines to "anchor"; all others are at right angles to it."""

    def __init__(self, **cosines: float) -> None:
        self.cosines = {"anchor": 1.0, **cosines}
        self.calls: list[list[str]] = []

    def __call__(self, texts: Sequence[str]) -> Vectors:
        self.calls.append(list(texts))
        return np.array([(c := self.cosines.get(t, 0.0), math.sqrt(1 - c * c)) for t in texts], np.float32)
