"""Anchors: words near which nothing may be said, as unit vectors; and which words are not compared with them at all.

After the soft match of GUARD (arXiv 2505.13312): a word counts as said when one that means nearly the same is said. There the
similarity of a beam's last word is held against one threshold, of 0.3 to 0.5; here there are two, and between them a penalty
that grows.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from guard.errors import CorruptRestriction, GuardError, PhraseError, RestrictionError
from guard.folding import fold
from guard.stopwords import STOP_WORDS

Vectors = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Vectors]
"""Texts to float32 [texts, dim], each row of length one: `classifiers.meaning.encoder.Encoder.encode`, or another."""

# Measured with all-MiniLM-L6-v2 and six anchors (physician, author, taiwan, june, dietitian, harry) over the 55,505 whole words
# of a 131,072-token vocabulary: at a cosine of 0.7 or more are 0 to 10 words an anchor, at 0.5 15 to 108, and at GUARD's 0.3
# 1,014 to 4,824. Of the words in TOFU's retain answers, 0.6% are as near as 0.7 to one of the six, 4.9% as 0.5, 33% as 0.3.
DELTA = 0.7
FLOOR = 0.5
WEIGHT = 5.0  # logits: at full weight the odds of a word are divided by 148

MAX_WORD = 64
"""In characters. What is longer is not a word, and is not compared."""

MIN_LETTERS = 3

_BLOCK = 256  # anchors compared at a time, so that the products of all words with all anchors are never held at once

T = TypeVar("T", bound=GuardError)


def folded_anchor(word: str) -> str:
    """Return `word`, one or several, folded. Raises PhraseError if nothing of it could be compared with a word."""
    folded = fold(word).strip()
    if all(exempt(part) for part in folded.split()):
        raise PhraseError("a stop word, a number or too short for an anchor")
    return folded


def check_thresholds(delta: float, floor: float, weight: float) -> None:
    """Raise PhraseError for thresholds that are not 0 <= floor < delta < 1, and a weight that is not finite and above zero."""
    if not 0 <= floor < delta < 1 or not np.float32(floor) < np.float32(delta):
        raise PhraseError(f"thresholds must be 0 <= floor < delta < 1, not {floor} and {delta}")
    if not 0 < weight <= np.finfo(np.float32).max:
        raise PhraseError(f"weight must be finite and above zero, not {weight}")


def exempt(word: str) -> bool:
    """Say whether a folded word is never penalised for what it means.

    True for stop words, for words with a digit or another number, with fewer than three letters, or longer than MAX_WORD: they
    stand in every text, and their vectors say little. A letter of a script that is written without spaces folds to a word of its
    own, so such scripts are exempt.
    """
    if word in STOP_WORDS or not MIN_LETTERS <= len(word) <= MAX_WORD:
        return True
    kinds = [unicodedata.category(character)[0] for character in word]
    return "N" in kinds or kinds.count("L") < MIN_LETTERS


def checked(vectors: Vectors, count: int, dimension: int | None, error: type[T] | type[RestrictionError]) -> Vectors:
    """Return `vectors` as float32 [count, dimension] if they are that, finite, and of length one or zero; else raise `error`.

    A NaN compared with a threshold would count as "not near".
    """
    vectors = np.asarray(vectors)
    if vectors.ndim != 2 or len(vectors) != count or not vectors.shape[1] or vectors.shape[1] != (dimension or vectors.shape[1]):
        raise error(f"vectors of shape {vectors.shape}, expected {(count, dimension or 'any')}")
    if vectors.dtype != np.float32:
        raise error(f"vectors of type {vectors.dtype}, expected float32")
    squares = np.einsum("ij,ij->i", vectors, vectors)
    if not np.isfinite(squares).all():
        raise error("a vector is not finite")
    if not (np.isclose(squares, 1, atol=2e-3) | (squares == 0)).all():
        raise error("a vector is not of length one")
    return vectors


@dataclass(frozen=True, eq=False)
class Anchors:
    """Words near which nothing may be said.

    `words`: folded, sorted, distinct; more than one word in a string is allowed. `vectors` float32 [words, dim], unit rows,
    read-only. `encoder` names what made them: vectors of two encoders cannot be compared. A word whose cosine with an anchor is
    `delta` or more is banned; between `floor` and `delta` it costs `weight` logits times (cosine - floor) / (delta - floor).

    Raises PhraseError for no words, words that are not as said above, vectors that are not finite unit rows, thresholds that
    are not 0 <= floor < delta < 1, and a weight that is not finite and above zero.
    """

    words: tuple[str, ...]
    vectors: Vectors
    encoder: str
    delta: float = DELTA
    floor: float = FLOOR
    weight: float = WEIGHT

    def __post_init__(self) -> None:
        if not self.words or list(self.words) != sorted(set(self.words)):
            raise PhraseError("anchors must be distinct words in order, one at least")
        for index, word in enumerate(self.words):
            if word != fold(word).strip() or all(exempt(part) for part in word.split()):
                raise PhraseError("an anchor must be a folded word that is no stop word, no number and not too short", index)
        vectors = checked(self.vectors, len(self.words), None, PhraseError)
        for index in np.flatnonzero(~vectors.any(axis=1)):
            raise PhraseError("the encoder has no vector for this anchor", int(index))
        if not self.encoder:
            raise PhraseError("anchors need the name of their encoder")
        check_thresholds(self.delta, self.floor, self.weight)
        vectors = vectors.copy()
        vectors.setflags(write=False)
        object.__setattr__(self, "vectors", vectors)

    @classmethod
    def of(
        cls,
        words: Sequence[str],
        encode: Encode,
        *,
        encoder: str,
        delta: float = DELTA,
        floor: float = FLOOR,
        weight: float = WEIGHT,
    ) -> Anchors:
        """Fold and encode `words`, repeated and in any order as they may be.

        Raises PhraseError; its `index` is the position in `words` for a word that cannot be an anchor.
        """
        folded = []
        for index, word in enumerate(words):
            try:
                folded.append(folded_anchor(word))
            except PhraseError as error:
                raise PhraseError(str(error), index) from None
        # In one order always, since the vectors of some encoders depend a little on the batch.
        ordered = tuple(sorted(set(folded)))
        if not ordered:
            raise PhraseError("no anchors")
        return cls(ordered, encode(ordered), encoder, delta, floor, weight)

    def __len__(self) -> int:
        return len(self.words)

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return int(self.vectors.shape[1])

    def penalties(self, vectors: Vectors) -> NDArray[np.float32]:
        """Return what words with these `vectors`, float32 [n, dim], cost in logits: float32 [n], 0 to infinity.

        Raises RestrictionError for vectors that are not finite, not unit or zero rows, or of another length.
        """
        return self.priced(checked(vectors, len(vectors), self.dimension, RestrictionError))

    def priced(self, vectors: Vectors) -> NDArray[np.float32]:
        """Return the same as `penalties` for vectors that have been checked before."""
        nearest = np.full(len(vectors), -1, np.float32)
        for at in range(0, len(self), _BLOCK):
            np.maximum(nearest, (vectors @ self.vectors[at : at + _BLOCK].T).max(axis=1), out=nearest)
        # The thresholds are compared as what the cosines are, float32: a cosine of exactly delta is banned.
        delta, floor = np.float32(self.delta), np.float32(self.floor)
        costs = np.float32(self.weight) * ((nearest - floor) / (delta - floor))
        costs[nearest <= floor] = 0
        costs[nearest >= delta] = math.inf
        return costs

    def to_arrays(self) -> tuple[dict[str, NDArray[np.generic]], dict[str, str]]:
        """Return arrays and metadata that `from_arrays` reads: to be stored in a restriction's file, and covered by its digest.

        `anchor_vectors` float32 [anchors, dim], `anchor_words` uint8 [bytes]: the words in UTF-8, one a line.
        """
        words = np.frombuffer("\n".join(self.words).encode(), np.uint8)
        scalars = {"delta": self.delta, "floor": self.floor, "weight": self.weight}
        metadata = {f"anchor_{name}": repr(float(value)) for name, value in scalars.items()}
        return {"anchor_vectors": self.vectors, "anchor_words": words}, metadata | {"anchor_encoder": self.encoder}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]], metadata: Mapping[str, str]) -> Anchors:
        """Read what `to_arrays` gave. Raises CorruptRestriction if anything is missing or is not what anchors may be."""
        try:
            words = arrays["anchor_words"].tobytes().decode()
            delta, floor, weight = (float(metadata[f"anchor_{name}"]) for name in ("delta", "floor", "weight"))
            vectors = np.asarray(arrays["anchor_vectors"])
            return cls(tuple(words.split("\n")), vectors, metadata["anchor_encoder"], delta, floor, weight)
        except (KeyError, ValueError) as error:
            raise CorruptRestriction(f"the anchors cannot be read: {error}") from error
