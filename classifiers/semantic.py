"""Semantic words, called anchors: an answer about a target must avoid the words that mean nearly the same.

This follows the soft match of GUARD (arXiv 2505.13312): a word counts as said when a word with nearly the same meaning is said.
GUARD compares a beam's last word with the forbidden words while it generates. Here the words of a list are compared once, when a
target is compiled (`classifiers.meaning.neighbours`).
"""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from guard.errors import PhraseError
from guard.folding import DOT, SPACE, fold
from guard.stopwords import STOP_WORDS

MAX_ANCHORS: Final = 64

# Calibrated with all-MiniLM-L6-v2 on eight targets of know-how (`evaluation.meaning`).
DELTA: Final = 0.62
FLOOR: Final = 0.55
WEIGHT: Final = 5.0  # in logits; the full weight divides the odds of a word by 148

MAX_WORD: Final = 64
"""Characters of the longest word that is compared."""
MIN_LETTERS: Final = 3


def folded_words(text: str) -> list[str]:
    """Return the folded words of a text."""
    return fold(text).replace(DOT, SPACE).split()


def exempt(word: str) -> bool:
    """Return whether a folded word is never banned for its meaning.

    Stop words, words with a digit or another number, words with fewer than three letters and words longer than MAX_WORD are
    exempt: they occur in every text, and their vectors say little. A letter of a script that is written without spaces folds to a
    word of its own, so such scripts are exempt.
    """
    if word in STOP_WORDS or not MIN_LETTERS <= len(word) <= MAX_WORD:
        return True
    kinds = [unicodedata.category(character)[0] for character in word]
    return "N" in kinds or kinds.count("L") < MIN_LETTERS


def folded_anchor(word: str) -> str:
    """Return the folded form of an anchor, which may be several words.

    Raises:
        PhraseError: If every word in it is exempt from comparison.
    """
    folded = folded_words(word)
    if all(map(exempt, folded)):
        raise PhraseError("a stop word, a number or too short for an anchor: choose another word")
    return " ".join(folded)


def check_thresholds(delta: float, floor: float, weight: float) -> None:
    """Check the thresholds of anchors.

    Raises:
        PhraseError: If not 0 <= floor < delta < 1, or if `weight` is not finite and above zero.
    """
    if not 0 <= floor < delta < 1:
        raise PhraseError(f"thresholds must be 0 <= floor < delta < 1, not {floor} and {delta}")
    if not 0 < weight < math.inf:
        raise PhraseError(f"weight must be finite and above zero, not {weight}")


def _anchor_can_be_found(word: str) -> str:
    folded_anchor(word)
    return word


Anchor = Annotated[str, AfterValidator(_anchor_can_be_found)]


class SemanticSpec(BaseModel):
    """Anchors, and how near to them a word may come.

    `words` are the anchors; None for those of the target's facts. A word with a cosine of `delta` or more with an anchor is
    banned. Between `floor` and `delta` it loses up to `weight` logits. `allow` are words that may be said however near they are.

    Raises:
        pydantic.ValidationError: A word is a stop word, a number or too short to be compared, or the thresholds are not
            0 <= floor < delta < 1. The error does not quote the word.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    words: Annotated[list[Anchor], Field(min_length=1, max_length=MAX_ANCHORS)] | None = None
    delta: float = DELTA
    floor: float = FLOOR
    weight: float = WEIGHT
    allow: list[str] = Field(default_factory=list, max_length=1000)

    @model_validator(mode="after")
    def _thresholds_are_in_order(self) -> SemanticSpec:
        check_thresholds(self.delta, self.floor, self.weight)
        return self

    @model_serializer(mode="wrap")
    def _without_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Where a target leaves all of it to the server, a later version's thresholds shall hold.
        written: dict[str, Any] = handler(self) if self != SemanticSpec() else {}
        return {key: value for key, value in written.items() if value not in (None, [])}

    def penalty(self, cosine: float) -> float:
        """Return what a word with this cosine to an anchor loses, in logits: from 0 to infinity, which bans it."""
        if cosine >= self.delta:
            return math.inf
        return max(0.0, self.weight * (cosine - self.floor) / (self.delta - self.floor))


@dataclass(frozen=True, slots=True)
class Near:
    """A word that comes near an anchor in meaning.

    Attributes:
        word: The folded word; of an anchor itself, its folded words.
        anchor: The folded anchor that it is nearest to.
        cosine: Their cosine, rounded to hundredths; 1 for the anchor itself.
        penalty: What the word loses, in logits; infinity bans it.
    """

    word: str
    anchor: str
    cosine: float
    penalty: float
