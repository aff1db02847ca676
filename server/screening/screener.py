"""Screening: from the texts of a request to a decision."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from concurrent.futures import Executor

from classifiers import Screened
from classifiers.reading.windows import passages, windows
from server.errors import GuardFailure
from server.metrics import Metrics
from server.screening.batcher import Batcher
from server.screening.conversation import Text, conversation, last_turn, referred
from server.screening.decision import Decision
from server.screening.snapshot import PolicySnapshot

logger = logging.getLogger(__name__)


class Screener:
    """Decides requests by one snapshot. Classifiers run in `executor`, several requests at a time."""

    def __init__(self, snapshot: PolicySnapshot, executor: Executor, metrics: Metrics) -> None:
        self.snapshot = snapshot
        self._metrics = metrics
        self._batcher = Batcher(snapshot.classifier.classify, executor)

    async def decide(self, texts: Sequence[Text]) -> Decision:
        """Return what is done with a request that holds `texts`. Raises GuardFailure if they cannot be classified."""
        started = time.perf_counter()
        try:
            matches = await self._batcher.submit(screened(texts))
            decision = self.snapshot.decide(matches)
        except Exception as error:
            logger.error("screening failed: %s", type(error).__name__)
            raise GuardFailure("The request could not be screened, so it was not answered.") from error
        self._metrics.screened(decision.verdict, time.perf_counter() - started)
        if decision.matches:
            found = ", ".join(f"{match.target_id} {match.score:.2f} ({match.evidence})" for match in decision.matches)
            logger.info("%s %s snapshot %d: %s", decision.id, decision.verdict, decision.snapshot, found)
        return decision


def screened(texts: Sequence[Text]) -> Screened:
    """Return what the classifiers read: the whole conversation to search, and windows to encode, each once.

    Windows of each text, of the last turn where it is several texts, and of the last user message together with what it may refer
    to. So a conversation costs what its texts cost, those of earlier requests are known to a `CachedEncoder`, and the last
    message costs at most four windows more.
    """
    pieces = dict.fromkeys([*(text.text for text in texts), last_turn(texts)])
    found = dict.fromkeys(window for piece in pieces for window in windows(piece))
    found.update(dict.fromkeys(window for piece in referred(texts) for window in passages(piece)))
    return Screened.of(conversation(texts), found)
