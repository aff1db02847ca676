"""A decision: what the server does with a request, and why."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from classifiers import Match
from classifiers.action import Verdict
from guard.processors.arguments import REFUSE

__all__ = ["Decision", "Verdict", "new_decision_id"]


def new_decision_id() -> str:
    """Return a new id. An admin finds the decision in the audit log by it; it tells a client nothing."""
    return f"gd-{uuid.uuid4().hex}"


@dataclass(frozen=True, slots=True)
class Decision:
    """What the server does with one request.

    Attributes:
        verdict: `restrict`, `refuse` or `monitor` after the strictest action of the matched targets; `allow` without a match.
        digests: the restrictions that hold for the answer: those for every answer, and those of the matched targets.
        matches: which targets the request is about.
        snapshot: the number of the policy snapshot that decided.
        allowed: texts that occur in the prompt and that the answer may say although they are phrases of a matched target
            (`Echo`, `InContext`). The argument `guard_allow` takes them.
        hints: system lines for the model, if the verdict is `restrict`; each once.
        language: the prompt's language (ISO 639-1); None without a match, and where it cannot be told.
        id: names the decision in the audit log and in the answer's header.
    """

    verdict: Verdict
    digests: Sequence[str]
    matches: Sequence[Match] = ()
    snapshot: int = 0
    allowed: Sequence[str] = field(default=(), repr=False)
    hints: Sequence[str] = ()
    language: str | None = None
    id: str = field(default_factory=new_decision_id)

    @property
    def answered(self) -> bool:
        """Whether the model answers the request."""
        return self.verdict != "refuse"

    @property
    def flagged(self) -> bool:
        """Whether the client notices: the answer is restricted or refused."""
        return self.verdict in ("restrict", "refuse")

    @property
    def counted(self) -> bool:
        """Whether the engine counts suppressed tokens under the decision's id: there is an answer and a record."""
        return bool(self.matches) and self.answered

    @property
    def argument(self) -> list[str]:
        """The guard argument for the engine."""
        return list(self.digests) if self.answered else [REFUSE]
