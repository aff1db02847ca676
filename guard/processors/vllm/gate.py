"""The gate of an engine in a fleet: while it is shut, no row of any request says anything.

An engine that a front end runs in its own process has no gate to watch: it ends with the front end. An engine of its own may lose
the front ends, and then it would go on under a policy that nobody confirms any more. So its workers count its lease themselves.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from guard.errors import GuardError


class Gate:
    """Whether rows may say anything.

    Args:
        alone: Whether the engine belongs to one front end, which runs vLLM's application. Then the gate is always open.
        clock: Returns monotonic seconds.
    """

    def __init__(self, alone: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self.alone = alone
        self._clock = clock
        self._until = math.inf if alone else -math.inf

    @property
    def shut(self) -> bool:
        """Whether nothing may be said now. An engine of a fleet starts so."""
        return self._clock() >= self._until

    def open(self, seconds: float) -> None:
        """Open for `seconds` from now; 0 shuts it at once. Raises GuardError if the engine belongs to one front end."""
        if self.alone:
            raise GuardError(
                "this engine was started for one front end, so no lease would shut it: leave `alone` out of the guard's part of "
                "--additional-config"
            )
        self._until = self._clock() + seconds
