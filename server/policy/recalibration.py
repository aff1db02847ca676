"""Recalibration: computes detection's limits anew when the targets change, while the server runs."""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import time
from collections.abc import Mapping

from classifiers import Encoder, ForgetTarget, Thresholds
from classifiers.calibration.calibrator import Calibrator
from classifiers.calibration.limits import CAP, Calibration
from classifiers.meaning.background import Background
from classifiers.meaning.encoder import uncached
from classifiers.profile.classifier import ProfileClassifier
from server.policy.enforcement import Enforcement

# Calibration competes with changes for the processor. It begins this many seconds after the last change, or after the first one
# at the latest. Until then new targets are found by the uncalibrated thresholds.
_QUIET_S, _LATEST_S = 5.0, 60.0

# The most targets whose texts are used: a longer list is sampled. It determines how long calibration takes.
_SAMPLE = 200


class Recalibration:
    """Keeps the limits of the classifier up to date with the targets, in a thread beside serving."""

    def __init__(
        self,
        encoder: Encoder,
        miss_rate: float,
        thresholds: Thresholds,
        background: Background,
        profiles: ProfileClassifier,
        cap: float = CAP,
    ) -> None:
        """Compute nothing yet.

        Args:
            encoder: The classifier's encoder, which is used without its cache.
            miss_rate: The share of prompts about a target that may be missed, in [0, 1); 0 switches calibration off.
            thresholds: The classifier's thresholds.
            background: The classifier's background.
            profiles: The classifier's profiles.
            cap: The share of innocent prompts that may be found, which wins over the miss rate.
        """
        self._calibrator = Calibrator(uncached(encoder), miss_rate, thresholds, cap=cap, profiles=profiles) if miss_rate else None
        self._background = background
        self._done: object = None
        self._seen: object = None
        self._changed = self._waiting = 0.0
        self._sampled: list[ForgetTarget] = []
        self.calibration: Calibration | None = None
        """The latest calibration, None before the first."""

    def limits(self, targets: Mapping[str, ForgetTarget]) -> dict[str, float]:
        """Calibrate if the sample of the targets differs from the last one, and return the limit of every target.

        Args:
            targets: The targets by id.

        Returns:
            What `LiveClassifier.limited` takes: nothing if calibration is switched off.

        Raises:
            EncoderError: The encoder fails; other encoders may raise other exceptions.
        """
        if self._calibrator is None:
            return {}
        sample = _sample([target for target in targets.values() if target.examples])
        if self.calibration is None or sample != self._sampled:
            self.calibration = self._calibrator.update(sample, self._background)
            self._sampled = sample
        # The limit of the group holds for every target in it, including those that are not in the sample.
        limit = self.calibration.groups[0].limit if self.calibration.groups else 0.0
        return {**dict.fromkeys(targets, limit), **self.calibration.limits}

    @property
    def raised(self) -> dict[str, float]:
        """By how much the limits of profiles are raised (`LiveClassifier.limited`)."""
        return self.calibration.raised if self.calibration else {}

    async def run_once(self, enforcement: Enforcement) -> None:
        """Put new limits in force if the targets have changed since the last time and are not changing now."""
        targets = enforcement.snapshot.targets
        if self._calibrator is None or targets is self._done:
            return
        now = time.monotonic()
        if targets is not self._seen:
            self._seen, self._changed = targets, now
            self._waiting = self._waiting or now
        if self.calibration and now - self._changed < _QUIET_S and now - self._waiting < _LATEST_S:
            return
        limits = await asyncio.to_thread(self.limits, targets)
        await enforcement.limit(limits, self.raised)
        self._done, self._waiting = targets, 0.0


def _sample(targets: list[ForgetTarget]) -> list[ForgetTarget]:
    # The targets with the lowest hashes are as good as a random sample. Adding or removing a target changes at most one of them,
    # so nearly all scores that were computed for the last sample hold for the next.
    lowest = heapq.nsmallest(_SAMPLE, targets, key=lambda target: hashlib.sha256(target.id.encode()).digest())
    return sorted(lowest, key=lambda target: target.id)
