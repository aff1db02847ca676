"""The screener: it decides what happens to a request, from the texts in it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from classifiers import Match, Screened
from classifiers.reading.windows import passages, windows
from server.errors import GuardFailure
from server.metrics import Metrics
from server.screening.batcher import Batcher
from server.screening.conversation import Text, conversation, last_turn, referred
from server.screening.decision import Decision
from server.screening.lanes import LONG, Lanes
from server.screening.snapshot import PolicySnapshot

logger = logging.getLogger(__name__)

Readings = Callable[[str], Sequence[str]]
"""Returns other texts that the model may read in place of a text (`Engine.readings`)."""


def no_readings(_: str) -> Sequence[str]:
    """Return no readings, as for a model without special tokens."""
    return ()


class Screener:
    """Decides requests by one snapshot. All work that takes longer for a longer text runs in `lanes`."""

    def __init__(self, snapshot: PolicySnapshot, lanes: Lanes, metrics: Metrics, readings: Readings) -> None:
        self.snapshot = snapshot
        self._metrics = metrics
        self._readings = readings
        self._lanes = lanes
        self._short = Batcher(self._decide, lanes.short)

    async def decide(self, texts: Sequence[Text], named: str | None = None) -> Decision:
        """Return the decision about a request with these texts.

        Args:
            texts: The texts.
            named: The id of the decision; None for a new one.

        Raises:
            GuardFailure: They cannot be classified.
        """
        started = time.perf_counter()
        try:
            decision = await self._decided(texts)
        except Exception as error:
            logger.error("screening failed: %s", type(error).__name__)
            raise GuardFailure(
                "The server could not screen the request, so it did not answer it. Its log names the error."
            ) from error
        if named:
            decision = replace(decision, id=named)
        self._metrics.screened(decision.verdict, time.perf_counter() - started)
        if decision.matches:
            found = ", ".join(f"{match.target_id} {match.score:.2f} ({match.evidence})" for match in decision.matches)
            logger.info("%s %s snapshot %d: %s", decision.id, decision.verdict, decision.snapshot, found)
        return decision

    async def _decided(self, texts: Sequence[Text]) -> Decision:
        if sum(len(text.text) for text in texts) < LONG:
            return await self._short.submit(texts)
        # A call that is cancelled while it waits does not run.
        (decision,) = await asyncio.get_running_loop().run_in_executor(self._lanes.long, self._decide, [texts])
        return decision

    def _decide(self, requests: Sequence[Sequence[Text]]) -> list[Decision]:
        return [self._decision(matches, texts) for matches, texts in zip(self._classify(requests), requests, strict=True)]

    def _decision(self, matches: Sequence[Match], texts: Sequence[Text]) -> Decision:
        """Return the decision about a request from what was found in all of its texts."""
        counted = self.snapshot.counted(matches, texts, self._classify)
        return self.snapshot.decide(counted.matches, texts, counted.refusing)

    def _classify(self, requests: Sequence[Sequence[Text]]) -> list[list[Match]]:
        return self.snapshot.classifier.classify([screened(texts, self._readings) for texts in requests])


def screened(texts: Sequence[Text], readings: Readings = no_readings) -> Screened:
    """Return what the classifiers read: the whole conversation to search, and windows to encode, each once.

    The windows are those of each text, of the last turn where it has several texts, and of the last user message together with
    the messages that it may refer to. So a conversation costs as much as its texts, a `CachedEncoder` knows the windows of
    earlier requests, and the last message costs at most four windows more. Where a text has `readings`, each of them is searched
    and encoded in the same way in its place.
    """
    versions = [texts, *_read(texts, readings)]
    whole = dict.fromkeys(conversation(version) for version in versions)
    # Readings of the whole too: a special token may begin in one text and end in the next.
    whole.update(dict.fromkeys(reading for reading in readings(next(iter(whole)))))
    found: dict[str, None] = {}
    for version in versions:
        pieces = dict.fromkeys([*(text.text for text in version), last_turn(version)])
        found.update(dict.fromkeys(window for piece in pieces for window in windows(piece)))
        found.update(dict.fromkeys(window for piece in referred(version) for window in passages(piece)))
    return Screened.of("\n".join(whole), found)


def _read(texts: Sequence[Text], readings: Readings) -> list[list[Text]]:
    """Return other versions of `texts`, as many as the text with the most readings has; [] if no text has any."""
    others = [readings(text.text) for text in texts]
    return [
        [replace(text, text=other[min(at, len(other) - 1)]) if other else text for text, other in zip(texts, others, strict=True)]
        for at in range(max(map(len, others), default=0))
    ]
