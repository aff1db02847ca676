"""Recalibration: detection's limits follow the targets while the server runs."""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import time

from classifiers import Encoder, ForgetTarget, Thresholds
from classifiers.calibration.calibrator import Calibrator
from classifiers.calibration.limits import Calibration
from classifiers.meaning.background import Background
from server.policy.enforcement import Enforcement

# Calibrating takes the processor from the next change: it begins so long after the last one, or after the first at the latest.
# Until then new targets are found by the thresholds as they are.
_QUIET_S, _LATEST_S = 5.0, 60.0

# Targets whose texts calibrate a group: for more, a sample stands for all. Its size sets how long calibration takes.
_SAMPLE = 200


class Recalibration:
    """Keeps the classifier's limits up to date with the targets, in a thread beside serving."""

    def __init__(self, encoder: Encoder, miss_rate: float, thresholds: Thresholds, background: Background) -> None:
        self._calibrator = Calibrator(encoder, miss_rate, thresholds) if miss_rate else None
        self._background = background
        self._done: object = None
        self._seen: object = None
        self._changed = self._waiting = 0.0
        self._sampled: list[ForgetTarget] = []
        self.calibration: Calibration | None = None
        """The calibration in use, None before the first."""

    async def run_once(self, enforcement: Enforcement) -> None:
        """Calibrate anew if the targets have changed since the last time, and do not change at the moment."""
        targets = enforcement.snapshot.targets
        if self._calibrator is None or targets is self._done:
            return
        now = time.monotonic()
        if targets is not self._seen:
            self._seen, self._changed = targets, now
            self._waiting = self._waiting or now
        if self.calibration and now - self._changed < _QUIET_S and now - self._waiting < _LATEST_S:
            return
        sample = _sample([target for target in targets.values() if target.examples])
        if self.calibration is None or sample != self._sampled:
            self.calibration = await asyncio.to_thread(self._calibrator.update, sample, self._background)
            self._sampled = sample
        # The group's limit holds for every target in it, those that the sample left out too.
        limit = self.calibration.groups[0].limit if self.calibration.groups else 0.0
        await enforcement.limit(dict.fromkeys(targets, limit))
        self._done, self._waiting = targets, 0.0


def _sample(targets: list[ForgetTarget]) -> list[ForgetTarget]:
    # Those with the lowest hashes: as good as drawn by lot, and a target more or less changes one of them at most, so that
    # nearly all of what was computed for the last sample holds for the next.
    lowest = heapq.nsmallest(_SAMPLE, targets, key=lambda target: hashlib.sha256(target.id.encode()).digest())
    return sorted(lowest, key=lambda target: target.id)
