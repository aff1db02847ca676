"""What is foretold of one target: how many questions about it detection would miss, computed when it is created or changed."""

from __future__ import annotations

import asyncio
import logging

from classifiers import CachedEncoder, Encoder, ForgetTarget, Thresholds
from classifiers.calibration.advice import advice
from classifiers.calibration.calibrator import Calibrator
from classifiers.calibration.limits import CAP
from classifiers.meaning.background import Background
from classifiers.meaning.encoder import uncached
from classifiers.profile.classifier import ProfileClassifier

logger = logging.getLogger(__name__)

MOST_EXAMPLES = 20
"""The number of examples above which nothing is foretold when the target is created: it would take too long."""
_MOST_CHARACTERS = 40_000  # of examples and documents together
# How long a request waits for the requests before it. Then it is answered without a warning: the report has the figures later.
_TURN_S = 1.0


class Foretelling:
    """Foretells what detection misses. It keeps nothing of a target: no text, and no vector."""

    def __init__(
        self,
        encoder: Encoder,
        miss_rate: float,
        thresholds: Thresholds,
        background: Background,
        profiles: ProfileClassifier,
        cap: float = CAP,
    ) -> None:
        """Compute nothing yet. The arguments are those of `Recalibration`; with a `miss_rate` of 0 nothing is foretold."""
        self._encoder = uncached(encoder)
        self._miss_rate = miss_rate
        self._thresholds = thresholds
        self._background = background
        self._profiles = profiles
        self._cap = cap
        self._turn = asyncio.Lock()

    async def warnings(self, target: ForgetTarget) -> list[str]:
        """Return a warning if detection is expected to miss more questions than is promised, or if that cannot be told.

        It computes in a thread, one target after the other, and raises nothing: a target must not be refused because this fails.
        """
        if not self._miss_rate or not 1 <= len(target.examples) <= MOST_EXAMPLES or _characters(target) > _MOST_CHARACTERS:
            return []
        try:
            async with asyncio.timeout(_TURN_S):
                await self._turn.acquire()
        except TimeoutError:
            return []
        try:
            missed = await asyncio.to_thread(self.missed, target)
        except Exception as error:
            logger.error("what detection would miss is not known: %s", type(error).__name__)
            return []
        finally:
            self._turn.release()
        told = advice(target, missed, self._miss_rate)
        return [f"detection: {told}"] if told else []

    def missed(self, target: ForgetTarget) -> float | None:
        """Return `TargetCalibration.missed` of a target. It takes a part of a second: call it from a thread.

        Raises:
            EncoderError: The encoder fails; other encoders may raise other exceptions.
        """
        if len(target.examples) < 2:
            return None
        # Each example is compared with the others, so the same texts are encoded many times. The cache goes with the call.
        encoder = CachedEncoder(self._encoder)
        profiles = self._profiles.beside(encoder)
        calibrator = Calibrator(encoder, self._miss_rate, self._thresholds, cap=self._cap, profiles=profiles)
        found = calibrator.alone(target, self._background)
        return found.missed if found else None


def _characters(target: ForgetTarget) -> int:
    return sum(len(one.prompt) + len(one.completion) for one in target.examples) + sum(map(len, target.documents))
