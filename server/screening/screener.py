"""Screening: from the texts of a request to a decision."""

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
"""What else the model may read in place of a text (`Engine.readings`)."""


def no_readings(_: str) -> Sequence[str]:
    """Return nothing: what a model without special tokens reads."""
    return ()


class Screener:
    """Decides requests by one snapshot. All that takes longer for a longer text is done in `lanes`."""

    def __init__(self, snapshot: PolicySnapshot, lanes: Lanes, metrics: Metrics, readings: Readings) -> None:
        self.snapshot = snapshot
        self._metrics = metrics
        self._readings = readings
        self._lanes = lanes
        self._short = Batcher(self._classify, lanes.short)

    async def decide(self, texts: Sequence[Text]) -> Decision:
        """Return what is done with a request that holds `texts`. Raises GuardFailure if they cannot be classified."""
        started = time.perf_counter()
        try:
            matches = await self._matches(texts)
            decision = self.snapshot.decide(matches)
        except Exception as error:
            logger.error("screening failed: %s", type(error).__name__)
            raise GuardFailure("The request could not be screened, so it was not answered.") from error
        self._metrics.screened(decision.verdict, time.perf_counter() - started)
        if decision.matches:
            found = ", ".join(f"{match.target_id} {match.score:.2f} ({match.evidence})" for match in decision.matches)
            logger.info("%s %s snapshot %d: %s", decision.id, decision.verdict, decision.snapshot, found)
        return decision

    async def _matches(self, texts: Sequence[Text]) -> Sequence[Match]:
        if sum(len(text.text) for text in texts) < LONG:
            return await self._short.submit(texts)
        # Cancelled while it waits, it does not run.
        (matches,) = await asyncio.get_running_loop().run_in_executor(self._lanes.long, self._classify, [texts])
        return matches

    def _classify(self, requests: Sequence[Sequence[Text]]) -> list[list[Match]]:
        return self.snapshot.classifier.classify([screened(texts, self._readings) for texts in requests])


def screened(texts: Sequence[Text], readings: Readings = no_readings) -> Screened:
    """Return what the classifiers read: the whole conversation to search, and windows to encode, each once.

    Windows of each text, of the last turn where it is several texts, and of the last user message together with what it may refer
    to. So a conversation costs what its texts cost, those of earlier requests are known to a `CachedEncoder`, and the last
    message costs at most four windows more. Where `readings` has something for a text, all of that again with it in place of
    the text.
    """
    versions = [texts, *_read(texts, readings)]
    whole = dict.fromkeys(conversation(version) for version in versions)
    # Where two texts meet, too: a special token may begin in one and end in the next.
    whole.update(dict.fromkeys(reading for reading in readings(next(iter(whole)))))
    found: dict[str, None] = {}
    for version in versions:
        pieces = dict.fromkeys([*(text.text for text in version), last_turn(version)])
        found.update(dict.fromkeys(window for piece in pieces for window in windows(piece)))
        found.update(dict.fromkeys(window for piece in referred(version) for window in passages(piece)))
    return Screened.of("\n".join(whole), found)


def _read(texts: Sequence[Text], readings: Readings) -> list[list[Text]]:
    """Return `texts` as the model may read them, once for each reading of the text that has most; [] if none has any."""
    others = [readings(text.text) for text in texts]
    return [
        [replace(text, text=other[min(at, len(other) - 1)]) if other else text for text, other in zip(texts, others, strict=True)]
        for at in range(max(map(len, others), default=0))
    ]
