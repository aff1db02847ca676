"""What a classifier reads and what it says: the types that everything else here, and the server, is written against."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from classifiers.reading.readings import Reading, readings
from classifiers.reading.windows import windows


@dataclass(frozen=True, slots=True)
class Screened:
    """One text to be classified: whole, for classifiers that search, and in windows, for classifiers that encode.

    `readings` are other ways the text may be meant to be read; `windows` hold windows of them, too.

    Its `repr` shows lengths only, so that a text cannot reach a log by way of an error message.
    """

    text: str
    windows: tuple[str, ...]
    readings: tuple[Reading, ...] = ()

    @classmethod
    def of(cls, text: str, cut: Iterable[str] | None = None) -> Screened:
        """Return `text` with its readings and with `cut`, its windows; the default ones if None: none for white space."""
        found = tuple(readings(text))
        pieces = [windows(text) if cut is None else cut, *(windows(reading.text) for reading in found)]
        return cls(text, tuple(dict.fromkeys(window for piece in pieces for window in piece)), found)

    def __repr__(self) -> str:
        return f"Screened({len(self.text)} characters, {len(self.windows)} windows)"


@dataclass(frozen=True, slots=True)
class Match:
    """A text is about a target.

    `score` lies in [0, 1]; scores of different classifiers are comparable only in that more is more certain. `evidence` is a
    short reason for the audit log, such as "alias" or "nearest:0.83-0.41" (best target cosine - best background cosine). It
    never holds any part of the text or of the target. `classifier` names the classifier that found it.

    Raises ValueError for a score outside [0, 1], NaN included.
    """

    target_id: str
    score: float
    evidence: str
    classifier: str

    def __post_init__(self) -> None:
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"score {self.score} is not in [0, 1]")


@runtime_checkable
class Classifier(Protocol):
    """Says which targets a text is about.

    `classify` takes a batch and returns, for each text in order, its matches: at most one a target (the best), best first, equal
    scores by target id, [] where nothing was found. It is synchronous and has no effect outside itself: the server calls it
    from a worker thread, several at a time. What it raises means that the texts are not screened; they must then not be answered.
    """

    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        """Return the matches of each text."""
        ...


def best_matches(matches: Sequence[Match]) -> list[Match]:
    """Return the best match of each target, best first, equal scores by target id. Of equal matches the first stays."""
    best: dict[str, Match] = {}
    for match in matches:
        kept = best.get(match.target_id)
        if kept is None or match.score > kept.score:
            best[match.target_id] = match
    return sorted(best.values(), key=lambda match: (-match.score, match.target_id))
