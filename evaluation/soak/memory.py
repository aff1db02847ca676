"""The memory of a server's processes over time, and whether it grows."""

from __future__ import annotations

import contextlib
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

WARM_UP = 1 / 3
"""The share of the run that is left out of the judgement: caches fill, and allocators take what they keep."""
PART = 0.1
"""The share of the run over which memory is compared: just after the warm-up, and at the end."""
LIMIT = 0.05
"""How much memory may grow, as a share of what it was after the warm-up."""


@dataclass(frozen=True)
class Sample:
    """What was measured at one time.

    Attributes:
        seconds: Since the start.
        total: The MB of all processes together. A page that two share counts half for each.
        by_process: The MB of each.
        load: The machine's load average over a minute. Far more than it has cores, and others have taken the server's time.
    """

    seconds: float
    total: float
    by_process: dict[str, float]
    load: float = 0.0


def measured(processes: Sequence[psutil.Process], seconds: float) -> Sample:
    """Return the memory (proportional set size, in MB) of processes that run."""
    found: dict[str, float] = {}
    for process in processes:
        with contextlib.suppress(psutil.Error):
            found[f"{process.name()[:15]} {process.pid}"] = process.memory_full_info().pss / 1e6
    return Sample(seconds, sum(found.values()), found, os.getloadavg()[0])


def compared(samples: Sequence[Sample], seconds: float) -> tuple[float, float]:
    """Return the MB of all processes just after the warm-up, and at the end: medians over a tenth of the run each.

    Args:
        samples: In their order.
        seconds: The length of the run.

    Raises:
        ValueError: there are not two samples after the warm-up.
    """
    after = [s.total for s in samples if s.seconds >= WARM_UP * seconds]
    if len(after) < 2:
        raise ValueError("too few samples of memory: run for longer")
    part = max(1, round(len(after) * PART / (1 - WARM_UP)))
    return statistics.median(after[:part]), statistics.median(after[-part:])
