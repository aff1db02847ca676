"""The log of decisions: it takes records of what was found in requests to the audit log."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from server.engine.protocol import Engine
from server.errors import NotReady
from server.screening.conversation import Text, conversation
from server.screening.decision import Decision
from server.store import Database
from server.store.audit.log import Audit
from server.store.audit.record import REQUEST, SCREEN, AuditEvent, counted, decision_event, output_event

logger = logging.getLogger(__name__)

# Events that may wait for the store. With more, the server decides nothing: it does not answer what it cannot record.
_MOST_WAITING = 100_000
_BATCH = 1000
# A worker answers between two steps of generation. A worker that does not answer in this time is stuck.
_COUNT_TIMEOUT_S = 5.0


@dataclass(slots=True)
class _Noted:
    """An event to be recorded. `name` is the name of the engine's count for it, None once the count is known."""

    event: AuditEvent
    name: str | None


class DecisionLog:
    """Records decisions with a match, many in one transaction, so that requests do not wait for the store.

    A request is recorded when its answer has ended, with the number of tokens that were suppressed in it. A text that is only
    screened is recorded at once, and so is a target that was found in an answer.

    Args:
        database: the store.
        audit: the audit log.
        engine: counts suppressed tokens.
        keep_text: whether the records hold the texts of the requests.
    """

    def __init__(self, database: Database, audit: Audit, engine: Engine, *, keep_text: bool = False) -> None:
        self._database = database
        self._audit = audit
        self._engine = engine
        self._keep_text = keep_text
        self._answering: dict[str, _Noted] = {}
        self._waiting: deque[_Noted] = deque()
        self._writing = asyncio.Lock()

    def admit(self) -> None:
        """Raise NotReady if too many records wait for the store to admit another request."""
        if len(self._waiting) + len(self._answering) >= _MOST_WAITING:
            raise NotReady("The store does not answer, so decisions cannot be recorded and none are made. Try again.")

    def screened(self, decision: Decision, actor: str, seconds: float, texts: Sequence[Text]) -> None:
        """Record a decision about a text that gets no answer; `seconds` is the time that the decision took."""
        if decision.matches:
            self._waiting.append(_Noted(self._event(SCREEN, decision, actor, seconds, texts), None))

    def found_in_output(self, decision: Decision, target_id: str, actor: str) -> None:
        """Record that an answer turned out to be about a target, whether or not something was found in the request.

        Call it once per request and target. `actor` is the id of the key that sent the request.
        """
        event = output_event(actor=actor, decision_id=decision.id, target_id=target_id, snapshot=decision.snapshot)
        self._waiting.append(_Noted(event, None))

    @contextmanager
    def answering(self, decision: Decision, actor: str, seconds: float, texts: Sequence[Text]) -> Iterator[None]:
        """Record the decision about a request when the block that answers it has ended, in any way."""
        if not decision.matches:
            yield
            return
        event = self._event(REQUEST, decision, actor, seconds, texts)
        self._answering[decision.id] = _Noted(event, decision.id if decision.counted else None)
        try:
            yield
        finally:
            # When the server stops, `end` may have written it already.
            if noted := self._answering.pop(decision.id, None):
                self._waiting.append(noted)

    async def write(self) -> None:
        """Write the records that wait. Raises StoreError; then they go on waiting."""
        # One writer at a time: two would write the same records twice.
        async with self._writing:
            while self._waiting:
                batch = [self._waiting[at] for at in range(min(_BATCH, len(self._waiting)))]
                await self._count(batch)
                async with self._database.write() as session:
                    await self._audit.append_many(session, [noted.event for noted in batch])
                for _ in batch:
                    self._waiting.popleft()

    async def end(self) -> None:
        """Write all records, those of answers that have not ended as well. Raises StoreError."""
        self._waiting.extend(self._answering.values())
        self._answering.clear()
        await self.write()

    async def _count(self, batch: Sequence[_Noted]) -> None:
        names = [noted.name for noted in batch if noted.name]
        if not names:
            return
        counts: Mapping[str, int] = {}
        try:
            async with asyncio.timeout(_COUNT_TIMEOUT_S):
                counts = await self._engine.suppressed(names)
        except Exception as error:
            logger.warning("suppressed tokens of %d answers are not known: %s", len(names), type(error).__name__)
        for noted in batch:
            if noted.name:
                # The engine forgets a count once it has told it, whatever becomes of the record.
                noted.event, noted.name = counted(noted.event, counts.get(noted.name)), None

    def _event(self, action: str, decision: Decision, actor: str, seconds: float, texts: Sequence[Text]) -> AuditEvent:
        return decision_event(
            action,
            actor=actor,
            decision_id=decision.id,
            verdict=decision.verdict,
            scores={match.target_id: round(match.score, 4) for match in decision.matches},
            evidence={match.target_id: match.evidence for match in decision.matches},
            snapshot=decision.snapshot,
            latency_ms=seconds * 1000,
            text={"prompt": conversation(texts)} if self._keep_text else None,
        )
