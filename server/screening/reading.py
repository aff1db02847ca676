"""Reading: which texts of a request count for a target, and which of them may refuse it (`classifiers.detection`).

The classifiers read all texts first. Most requests end there: nothing was found. Where a target was found, this module asks
whether it is also found in the texts that count for it, and, if it may refuse, in those that may refuse:

- all that count, with `refuse_on: history`;
- else the latest turn: the last user message, or several that follow each other, and what follows them; with it the earlier turns
  that it refers to (`server.screening.references`); documents and system texts as far as `documents` and `system` say so.

A target that is found in texts that count, but not in those that may refuse, restricts the answer: its phrases are banned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from classifiers import ForgetTarget, Match
from classifiers.answering import InContext
from classifiers.detection import ALL, Detection, RefuseOn, Weight
from server.screening.conversation import Text, conversation, turns
from server.screening.references import WINDOW, labelled, named, refers_back

Classify = Callable[[Sequence[Sequence[Text]]], Sequence[Sequence[Match]]]
"""Returns the matches of each list of texts."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What counts of what was found in a request.

    Attributes:
        matches: The matches of the targets that were found in texts that count for them.
        refusing: For each target that may refuse, and that was found in the texts that may refuse it, these texts as one.
    """

    matches: Sequence[Match]
    refusing: Mapping[str, str]


class Reading:
    """The texts of one request, and which of them count."""

    def __init__(self, texts: Sequence[Text]) -> None:
        self._texts = texts
        self._turns = turns(texts)

    def counting(self, detection: Detection) -> tuple[int, ...]:
        """Return the numbers of the texts that count."""
        return self._where(detection, {Weight.RESTRICT, Weight.COUNT}, lambda turn: _within(turn, detection))

    def refusing(self, detection: Detection) -> tuple[int, ...]:
        """Return the numbers of the texts that may refuse."""
        if detection.refuse_on is RefuseOn.HISTORY:
            return self._where(detection, {Weight.COUNT}, lambda turn: _within(turn, detection))
        return self._where(detection, {Weight.COUNT}, lambda turn: _within(turn, detection) and turn in self._referred)

    def texts(self, numbers: Iterable[int]) -> list[Text]:
        """Return the texts with these numbers."""
        return [self._texts[number] for number in numbers]

    def _where(self, detection: Detection, weights: set[Weight], turn_counts: Callable[[int], bool]) -> tuple[int, ...]:
        own = {"said": Weight.COUNT, "system": detection.system, "tools": detection.tools, "documents": detection.documents}
        return tuple(
            number
            for number, text in enumerate(self._texts)
            # A system text holds for the whole conversation, wherever it is.
            if own[text.kind] in weights and text.text.strip() and (text.kind == "system" or turn_counts(self._turns[number]))
        )

    @cached_property
    def _referred(self) -> frozenset[int]:
        """The latest turn and the earlier ones that it refers to, by their numbers."""
        latest = self._said(0)
        found = {0}
        earlier = range(1, min(max(self._turns, default=0), WINDOW) + 1)
        found.update(turn for turn in earlier if labelled(latest, self._said(turn)))
        if refers_back(latest):
            for turn in earlier:
                found.add(turn)
                # What it refers to is named in the nearest turn that names something.
                if named(self._said(turn)):
                    break
        return frozenset(found)

    def _said(self, turn: int) -> str:
        return conversation([text for text, own in zip(self._texts, self._turns, strict=True) if own == turn and text.from_user])


def counted(
    matches: Sequence[Match],
    texts: Sequence[Text],
    targets: Iterable[tuple[ForgetTarget, Detection, InContext]],
    classify: Classify,
) -> Counted:
    """Return what counts of what was found in a request.

    Args:
        matches: What was found in all texts.
        texts: The texts of the request.
        targets: The targets that were found, each with its detection and with what happens to facts in a prompt.
        classify: Finds targets in some of the texts. It is called at most once, and not where all texts count.
    """
    reading = Reading(texts)
    everything = tuple(number for number, text in enumerate(texts) if text.text.strip())
    counting: dict[str, tuple[int, ...]] = {}
    refusing: dict[str, tuple[int, ...]] = {}
    for target, detection, in_context in targets:
        counting[target.id] = reading.counting(detection)
        if not target.action.answers or in_context is InContext.REFUSE:
            refusing[target.id] = reading.refusing(detection)
    parts = [part for part in dict.fromkeys([*counting.values(), *refusing.values()]) if part and part != everything]
    found = {(): frozenset[str](), everything: frozenset(match.target_id for match in matches)}
    if parts:
        again = classify([reading.texts(part) for part in parts])
        found |= {part: frozenset(m.target_id for m in own) for part, own in zip(parts, again, strict=True)}
    kept = [match for match in matches if match.target_id in found[counting[match.target_id]]]
    ids = {match.target_id for match in kept}
    texts_of = {i: conversation(reading.texts(part)) for i, part in refusing.items() if i in ids and i in found[part]}
    return Counted(kept, texts_of)


def _within(turn: int, detection: Detection) -> bool:
    return detection.history == ALL or turn < detection.history
