"""The screener: it decides what happens to a request, from the texts in it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from classifiers import Match, Screened
from classifiers.pauses import pause
from classifiers.reading.windows import passages, windows
from server.errors import BadRequest, GuardFailure, ServerError
from server.metrics import Metrics
from server.screening.batcher import Batcher
from server.screening.conversation import Text, conversation, last_turn, referred
from server.screening.decision import Decision
from server.screening.judging import Judging
from server.screening.lanes import LONG, Lanes
from server.screening.snapshot import PolicySnapshot

logger = logging.getLogger(__name__)

Readings = Callable[[str], Sequence[str]]
"""Returns other texts that the model may read in place of a text (`Engine.readings`)."""


# A special token may be written around another one. How often a passage for the judge is read again.
_ROUNDS: Final = 8
# The most characters of a request that the judge is shown. A window has about three hundred.
_SHOWN: Final = 1200


# The windows that a request may have, whatever the model's context.
_LEAST_WINDOWS: Final = 1024


def most_windows(context: int) -> int:
    """Return how many windows a request may have for a model with a context of so many tokens.

    A text that fits into the context has fewer windows than tokens, but a short context should not refuse a few lines.
    """
    return max(_LEAST_WINDOWS, context)


def no_readings(_: str) -> Sequence[str]:
    """Return no readings, as for a model without special tokens."""
    return ()


@dataclass(frozen=True, slots=True)
class _Doubtful:
    """A request for the judge: what was found in it, and the passages that the judge is shown, by target id."""

    matches: Sequence[Match]
    passages: Mapping[str, str]


class Screener:
    """Decides requests by one snapshot. All work that takes longer for a longer text runs in `lanes`.

    With `judging`, a judge is asked about matches that are not certain, unless the server refuses the request in any case.
    Without it they do not count. The screener refuses a request with more than `most_windows` windows.
    """

    def __init__(
        self,
        snapshot: PolicySnapshot,
        lanes: Lanes,
        metrics: Metrics,
        readings: Readings,
        judging: Judging | None = None,
        most_windows: int | None = None,
    ) -> None:
        self.snapshot = snapshot
        self._metrics = metrics
        self._readings = readings
        self._judging = judging
        self._most_windows = most_windows
        self._lanes = lanes
        # The items bring the screener along. A batcher that knew it would keep it and its classifier, hundreds of megabytes with
        # many targets, from being freed at once when the policy has changed.
        self._short: Batcher[tuple[Screener, Sequence[Text]], Decision | _Doubtful] = Batcher(_decide_all, lanes.short)

    async def decide(self, texts: Sequence[Text], named: str | None = None, client: str = "") -> Decision:
        """Return the decision about a request with these texts.

        Args:
            texts: The texts.
            named: The id of the decision; None for a new one.
            client: Who sent the request. Clients take turns with long requests.

        Raises:
            BadRequest: They are cut into more windows than the server screens for one request.
            GuardFailure: They cannot be classified.
        """
        started = time.perf_counter()
        try:
            decision = await self._decided(texts, client)
        except ServerError:
            raise
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

    async def _decided(self, texts: Sequence[Text], client: str) -> Decision:
        short = sum(len(text.text) for text in texts) < LONG
        if short:
            with self._lanes.passing():
                decided = await self._short.submit((self, texts))
        else:
            (decided,) = await self._lanes.long.run(client, lambda: self._decide([texts]))
        if isinstance(decided, Decision):
            return decided
        assert self._judging is not None
        matches = await self._judging.settled(decided.matches, self.snapshot.targets, decided.passages)
        if short:
            with self._lanes.passing():
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._lanes.short, self._decision, matches, texts)
        return await self._lanes.long.run(client, lambda: self._decision(matches, texts))

    def _decide(self, requests: Sequence[Sequence[Text]]) -> list[Decision | _Doubtful]:
        read = [screened(texts, self._readings, self._most_windows) for texts in requests]
        found = self.snapshot.classifier.classify(read)
        return [self._one(*request) for request in zip(read, found, requests, strict=True)]

    def _decision(self, matches: Sequence[Match], texts: Sequence[Text]) -> Decision:
        """Return the decision about a request from what was found in all of its texts.

        The first reading of the texts that refuses decides: a fact may be written with special tokens in it. Otherwise the texts
        as they are written do, so that an answer may echo no more than they say.
        """
        versions = [texts, *_read(texts, self._readings)] if matches else [texts]
        decisions = []
        for version in versions:
            counted = self.snapshot.counted(matches, version, self._classify)
            decisions.append(self.snapshot.decide(counted.matches, version, counted.refusing))
        return next((decision for decision in decisions if not decision.answered), decisions[0])

    def _classify(self, requests: Sequence[Sequence[Text]]) -> list[list[Match]]:
        return self.snapshot.classifier.classify([screened(texts, self._readings) for texts in requests])

    def _one(self, read: Screened, matches: Sequence[Match], texts: Sequence[Text]) -> Decision | _Doubtful:
        # The snapshot leaves out what is in doubt.
        decision = self._decision(matches, texts)
        doubtful = {match.target_id for match in matches if not match.certain}
        if self._judging is None or not doubtful or not decision.answered:
            return decision
        return _Doubtful(matches, self._passages(read, doubtful))

    def _passages(self, read: Screened, doubtful: Collection[str]) -> dict[str, str]:
        """Return what the judge is shown of a text, by target: the windows in which the target was found.

        Nothing else of the request can argue with the judge, and a question about a long request costs no more than one about a
        short one. A target that is found in no window by itself gets the whole text if that is short. A target without a passage
        is missing; so is one whose passage cannot be freed of special tokens.
        """
        scores: dict[str, list[tuple[float, int]]] = {target: [] for target in doubtful}
        pieces = [Screened(window, (window,)) for window in read.windows]
        for at, matches in enumerate(self.snapshot.classifier.classify(pieces)):
            for match in matches:
                if match.target_id in scores:
                    scores[match.target_id].append((match.score, at))
        found: dict[str, str] = {}
        for target, scored in scores.items():
            shown = _shown(read.windows, [at for _, at in sorted(scored, key=lambda one: (-one[0], one[1]))])
            passage = shown or (read.text if len(read.text) <= _SHOWN else "")
            if plain := _plain(passage, self._readings):
                found[target] = plain
        return found


def _decide_all(items: Sequence[tuple[Screener, Sequence[Text]]]) -> list[Decision | _Doubtful]:
    """Decide requests that wait for the same screener."""
    screener = items[0][0]
    return screener._decide([texts for _, texts in items])


def screened(texts: Sequence[Text], readings: Readings = no_readings, most_windows: int | None = None) -> Screened:
    """Return what the classifiers read: the whole conversation to search, and windows to encode, each once.

    The windows are those of each text, of the last turn where it has several texts, and of the last user message together with
    the messages that it may refer to. So a conversation costs as much as its texts, a `CachedEncoder` knows the windows of
    earlier requests, and the last message costs at most four windows more. Where a text has `readings`, each of them is searched
    and encoded in the same way in its place.

    Raises:
        BadRequest: There are more windows than `most_windows`.
        Abandoned: Nobody wants the result any more (`classifiers.pauses`).
    """
    versions = [texts, *_read(texts, readings)]
    whole = dict.fromkeys(conversation(version) for version in versions)
    # Readings of the whole too: a special token may begin in one text and end in the next.
    whole.update(dict.fromkeys(reading for reading in readings(next(iter(whole)))))
    found: dict[str, None] = {}
    for version in versions:
        pieces = dict.fromkeys([*(text.text for text in version), last_turn(version)])
        for piece in pieces:
            pause()
            found.update(dict.fromkeys(windows(piece)))
            if most_windows is not None and len(found) > most_windows:
                raise _too_many_windows(most_windows)
        found.update(dict.fromkeys(window for piece in referred(version) for window in passages(piece)))
    return Screened.of("\n".join(whole), found)


def _too_many_windows(most: int) -> BadRequest:
    return BadRequest(
        f"The texts of the request have more than {most} sentences and lines, the most that this server screens for one request. "
        "Send fewer of them at once.",
        code="context_length_exceeded",
    )


def _shown(windows: Sequence[str], best: Sequence[int]) -> str:
    """Return the best windows with at most `_SHOWN` characters, in their order, without those that repeat a better one.

    Several, because somebody could write a harmless question beside the one that matters, and have the judge see that one alone.
    """
    chosen: list[int] = []
    left = _SHOWN
    for at in best:
        window = windows[at]
        if len(window) <= left and not any(window in windows[other] or windows[other] in window for other in chosen):
            chosen.append(at)
            left -= len(window)
    return "\n".join(windows[at] for at in sorted(chosen))


def _plain(text: str, readings: Readings) -> str | None:
    """Return a text without the special tokens that are written in it; None if that cannot be done."""
    for _ in range(_ROUNDS):
        others = readings(text)
        if not others:
            return text
        # The last one has a space in place of each, so what is around them cannot become another one.
        text = others[-1]
    return None


def _read(texts: Sequence[Text], readings: Readings) -> list[list[Text]]:
    """Return other versions of `texts`, as many as the text with the most readings has; [] if no text has any."""
    others = [readings(text.text) for text in texts]
    return [
        [replace(text, text=other[min(at, len(other) - 1)]) if other else text for text, other in zip(texts, others, strict=True)]
        for at in range(max(map(len, others), default=0))
    ]
