"""A decision: what will be done with a request, and why."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from classifiers import Match
from classifiers.action import Verdict
from guard.processors.arguments import REFUSE

__all__ = ["Decision", "Verdict", "new_decision_id"]


def new_decision_id() -> str:
    """Return a fresh id. It tells a client nothing; an admin finds the decision by it in the log."""
    return f"gd-{uuid.uuid4().hex}"


@dataclass(frozen=True, slots=True)
class Decision:
    """What will be done with one request.

    `digests` are the restrictions that hold for it: those that always hold, and those of the targets that were matched.
    `restrict` and `refuse` follow from a match; `monitor` means that only targets matched which are watched, and `allow` that
    none did.
    """

    verdict: Verdict
    digests: Sequence[str]
    matches: Sequence[Match] = ()
    snapshot: int = 0
    id: str = field(default_factory=new_decision_id)

    @property
    def answered(self) -> bool:
        """Whether the request gets an answer of the model."""
        return self.verdict != "refuse"

    @property
    def flagged(self) -> bool:
        """Whether the client notices: the answer is restricted or refused."""
        return self.verdict in ("restrict", "refuse")

    @property
    def counted(self) -> bool:
        """Whether the engine counts suppressed tokens under the decision's id: something is generated, and will be recorded."""
        return bool(self.matches) and self.answered

    @property
    def argument(self) -> list[str]:
        """The engine's guard argument."""
        return list(self.digests) if self.answered else [REFUSE]
