"""A worker extension that fails on one data-parallel rank, when a test tells it to.

vLLM's workers import it in their own processes, so the test tells it through a file.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from guard.processors.vllm.worker import GuardWorkerExtension

FILE = "GUARD_TESTS_FAULT"
"""The environment variable that names the file. It holds one of the faults; if it does not exist, there is none."""
RANK = 1
"""The rank that fails."""
FAILS, LATE, HANGS = "fails", "late", "hangs"


class FaultyWorkerExtension(GuardWorkerExtension):
    """The guard's own extension, whose answer to `guard_load` is a fault of the rank `RANK`: vLLM adds it to its worker."""

    def guard_load(self, digests: Sequence[str]) -> dict[str, Any]:
        """Fail, acknowledge nothing, or hang, as the file says."""
        fault = self._fault()
        if fault == FAILS:
            return {"held": [], "failed": dict.fromkeys(digests, "the disk of this rank is gone")}
        if fault == LATE:
            return {"held": [], "failed": {}}
        if fault == HANGS:
            time.sleep(600)
        return super().guard_load(digests)

    def _fault(self) -> str | None:
        file = Path(os.environ[FILE])
        # vLLM 0.32 treats ranks of a dense model as engines of their own, and this index alone tells them apart.
        rank: int = self.vllm_config.parallel_config.data_parallel_index  # type: ignore[attr-defined]
        return file.read_text() if rank == RANK and file.exists() else None
