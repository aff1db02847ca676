"""Anchors: words near which nothing may be said, as unit vectors; and the words that are never compared with them.

This follows the soft match of GUARD (arXiv 2505.13312): a word counts as said when a word with nearly the same meaning is said.
GUARD compares the similarity of a beam's last word with one threshold of 0.3 to 0.5. Here there are two thresholds, and between
them the penalty grows.
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
"""Maps texts to float32 [texts, dim], with rows of length one. `classifiers.meaning.encoder.Encoder.encode` is one."""

# Measured with all-MiniLM-L6-v2 and six anchors (physician, author, taiwan, june, dietitian, harry) over the 55,505 whole words
# of a 131,072-token vocabulary: an anchor has 0 to 10 words at a cosine of 0.7 or more, 15 to 108 at 0.5, and 1,014 to 4,824 at
# GUARD's 0.3. Of the words in TOFU's retain answers, 0.6% have a cosine of 0.7 or more with one of the six anchors, 4.9% of 0.5
# or more, 33% of 0.3 or more.
DELTA = 0.7
FLOOR = 0.5
WEIGHT = 5.0  # in logits; the full weight divides the odds of a word by 148

MAX_WORD = 64
"""Characters of the longest word that is compared."""

MIN_LETTERS = 3

_BLOCK = 256  # anchors compared at a time, so that not all products of words and anchors are in memory at once

T = TypeVar("T", bound=GuardError)


def folded_anchor(word: str) -> str:
    """Return the folded form of `word`, which may be several words.

    Raises:
        PhraseError: If every word in it is exempt from comparison.
    """
    folded = fold(word).strip()
    if all(exempt(part) for part in folded.split()):
        raise PhraseError("a stop word, a number or too short for an anchor: choose another word")
    return folded


def check_thresholds(delta: float, floor: float, weight: float) -> None:
    """Check the thresholds of anchors.

    Raises:
        PhraseError: If not 0 <= floor < delta < 1 in float32, or if `weight` is not finite and above zero.
    """
    if not 0 <= floor < delta < 1 or not np.float32(floor) < np.float32(delta):
        raise PhraseError(f"thresholds must be 0 <= floor < delta < 1, not {floor} and {delta}")
    if not 0 < weight <= np.finfo(np.float32).max:
        raise PhraseError(f"weight must be finite and above zero, not {weight}")


def exempt(word: str) -> bool:
    """Return whether a folded word is never penalised for its meaning.

    Stop words, words with a digit or another number, words with fewer than three letters and words longer than MAX_WORD are
    exempt: they occur in every text, and their vectors say little. A letter of a script that is written without spaces folds to a
    word of its own, so such scripts are exempt.
    """
    if word in STOP_WORDS or not MIN_LETTERS <= len(word) <= MAX_WORD:
        return True
    kinds = [unicodedata.category(character)[0] for character in word]
    return "N" in kinds or kinds.count("L") < MIN_LETTERS


def checked(vectors: Vectors, count: int, dimension: int | None, error: type[T] | type[RestrictionError]) -> Vectors:
    """Return `vectors` if they can be compared with thresholds. A NaN would count as "not near".

    Args:
        vectors: Should be float32 [count, dimension], finite, with rows of length one or zero.
        count: The number of rows.
        dimension: The number of columns; None accepts any.
        error: The exception to raise.

    Raises:
        error: If they are not that.
    """
    vectors = np.asarray(vectors)
    if vectors.ndim != 2 or len(vectors) != count or not vectors.shape[1] or vectors.shape[1] != (dimension or vectors.shape[1]):
        raise error(f"the vectors have shape {vectors.shape} instead of {(count, dimension or 'any')}")
    if vectors.dtype != np.float32:
        raise error(f"the vectors have type {vectors.dtype} instead of float32")
    squares = np.einsum("ij,ij->i", vectors, vectors)
    if not np.isfinite(squares).all():
        raise error("a vector is not finite")
    if not (np.isclose(squares, 1, atol=2e-3) | (squares == 0)).all():
        raise error("a vector is not of length one")
    return vectors


@dataclass(frozen=True, eq=False)
class Anchors:
    """Words near which nothing may be said.

    A word whose cosine with an anchor is `delta` or more is banned. Between `floor` and `delta` it costs `weight` logits times
    (cosine - floor) / (delta - floor).

    Args:
        words: Folded, sorted and distinct. One string may be several words.
        vectors: float32 [words, dim], unit rows. The copy that is kept is read-only.
        encoder: The name of the encoder that made them. Vectors of different encoders cannot be compared.
        delta: The cosine from which on a word is banned.
        floor: The cosine up to which a word is free.
        weight: The highest finite penalty, in logits.

    Raises:
        PhraseError: For no words or words that are not as described, vectors that are not finite unit rows, a missing encoder
            name, thresholds that are not 0 <= floor < delta < 1, or a weight that is not finite and above zero.
    """

    words: tuple[str, ...]
    vectors: Vectors
    encoder: str
    delta: float = DELTA
    floor: float = FLOOR
    weight: float = WEIGHT

    def __post_init__(self) -> None:
        if not self.words or list(self.words) != sorted(set(self.words)):
            raise PhraseError("anchors must be one or more distinct words in ascending order")
        for index, word in enumerate(self.words):
            if word != fold(word).strip() or all(exempt(part) for part in word.split()):
                raise PhraseError("an anchor must be folded and must not be a stop word, a number or too short", index)
        vectors = checked(self.vectors, len(self.words), None, PhraseError)
        for index in np.flatnonzero(~vectors.any(axis=1)):
            raise PhraseError("the encoder has no vector for this anchor: use another word", int(index))
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
        """Fold and encode `words`, which may be repeated and in any order.

        Raises:
            PhraseError: As the class does. For a word that cannot be an anchor, `index` is its position in `words`.
            Exception: Whatever `encode` raises.
        """
        folded = []
        for index, word in enumerate(words):
            try:
                folded.append(folded_anchor(word))
            except PhraseError as error:
                raise PhraseError(str(error), index) from None
        # Always in the same order, because the vectors of some encoders depend a little on the batch.
        ordered = tuple(sorted(set(folded)))
        if not ordered:
            raise PhraseError("no anchors: give one word at least")
        return cls(ordered, encode(ordered), encoder, delta, floor, weight)

    def __len__(self) -> int:
        return len(self.words)

    @property
    def dimension(self) -> int:
        """The number of a vector's components."""
        return int(self.vectors.shape[1])

    def penalties(self, vectors: Vectors) -> NDArray[np.float32]:
        """Return the penalties, in logits, of words with these `vectors`.

        Args:
            vectors: float32 [n, dim], unit or zero rows.

        Returns:
            float32 [n], from 0 to infinity.

        Raises:
            RestrictionError: For vectors that are not finite, not unit or zero rows, or of another dimension.
        """
        return self.priced(checked(vectors, len(vectors), self.dimension, RestrictionError))

    def priced(self, vectors: Vectors) -> NDArray[np.float32]:
        """Return `penalties` of vectors that have been checked before."""
        nearest = np.full(len(vectors), -1, np.float32)
        for at in range(0, len(self), _BLOCK):
            np.maximum(nearest, (vectors @ self.vectors[at : at + _BLOCK].T).max(axis=1), out=nearest)
        # The thresholds are compared in float32, as the cosines are, so a cosine of exactly delta is banned.
        delta, floor = np.float32(self.delta), np.float32(self.floor)
        costs = np.float32(self.weight) * ((nearest - floor) / (delta - floor))
        costs[nearest <= floor] = 0
        costs[nearest >= delta] = math.inf
        return costs

    def to_arrays(self) -> tuple[dict[str, NDArray[np.generic]], dict[str, str]]:
        """Return arrays and metadata from which `from_arrays` rebuilds the anchors. A restriction's file and digest include them.

        Returns:
            `anchor_vectors` float32 [anchors, dim] and `anchor_words` uint8 [bytes], the words in UTF-8, one per line; and the
            thresholds and the encoder's name as strings.
        """
        words = np.frombuffer("\n".join(self.words).encode(), np.uint8)
        scalars = {"delta": self.delta, "floor": self.floor, "weight": self.weight}
        metadata = {f"anchor_{name}": repr(float(value)) for name, value in scalars.items()}
        return {"anchor_vectors": self.vectors, "anchor_words": words}, metadata | {"anchor_encoder": self.encoder}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]], metadata: Mapping[str, str]) -> Anchors:
        """Rebuild the anchors that `to_arrays` described.

        Raises:
            CorruptRestriction: If anything is missing or cannot be used as anchors.
        """
        try:
            words = arrays["anchor_words"].tobytes().decode()
            delta, floor, weight = (float(metadata[f"anchor_{name}"]) for name in ("delta", "floor", "weight"))
            vectors = np.asarray(arrays["anchor_vectors"])
            return cls(tuple(words.split("\n")), vectors, metadata["anchor_encoder"], delta, floor, weight)
        except (KeyError, ValueError) as error:
            raise CorruptRestriction(f"the anchors cannot be read: {error}") from error
