"""The protocol of classifiers: what they read and what they return."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from classifiers.reading.readings import Reading, readings
from classifiers.reading.windows import windows


@dataclass(frozen=True, slots=True)
class Screened:
    """A text to classify: whole, for classifiers that search it, and in windows, for classifiers that encode it.

    `readings` are other ways in which the text may be meant to be read; `windows` include their windows.

    The `repr` shows only lengths, so that no error message can write a text to a log.
    """

    text: str
    windows: tuple[str, ...]
    readings: tuple[Reading, ...] = ()

    @classmethod
    def of(cls, text: str, cut: Iterable[str] | None = None) -> Screened:
        """Return `text` with its readings and windows.

        Args:
            text: Any text. White space alone has no windows.
            cut: The windows of the text itself; None for those of `windows`.
        """
        found = tuple(readings(text))
        pieces = [windows(text) if cut is None else cut, *(windows(reading.text) for reading in found)]
        return cls(text, tuple(dict.fromkeys(window for piece in pieces for window in piece)), found)

    def __repr__(self) -> str:
        return f"Screened({len(self.text)} characters, {len(self.windows)} windows)"


@dataclass(frozen=True, slots=True)
class Match:
    """The finding that a text is about a target.

    `score` is in [0, 1]; a higher score is more certain, but scores of different classifiers are not on the same scale.
    `evidence` is a short reason for the audit log, such as "alias" or "nearest:0.83-0.41" (best target cosine - best background
    cosine). It never contains a part of the text or of the target. `classifier` is the name of the classifier that found the
    target. `certain` is False between the two limits of a judge: the judge then decides whether it is a match.

    Raises:
        ValueError: The score is outside [0, 1] or not a number.
    """

    target_id: str
    score: float
    evidence: str
    classifier: str
    certain: bool = True

    def __post_init__(self) -> None:
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"the score {self.score} is not in [0, 1]")


@runtime_checkable
class Classifier(Protocol):
    """Says which targets a text is about.

    `classify` takes a batch and returns the matches of each text, in order: at most one per target, the best first, equal scores
    by target id. It is synchronous and has no side effects; the server calls it from worker threads, several at a time. If it
    raises an exception, the texts were not screened and must not be answered.
    """

    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        """Return the matches of each text."""
        ...


def best_matches(matches: Sequence[Match]) -> list[Match]:
    """Return the best match of each target, the best first, equal scores by target id.

    A certain match is better than an uncertain one. Of equal matches the first one is kept.
    """
    best: dict[str, Match] = {}
    for match in matches:
        kept = best.get(match.target_id)
        if kept is None or (match.certain, match.score) > (kept.certain, kept.score):
            best[match.target_id] = match
    return sorted(best.values(), key=lambda match: (-match.score, match.target_id))
