"""A policy snapshot: the numbered, immutable state of all targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from classifiers import Classifier, ForgetTarget, Match
from classifiers.action import Action
from server.screening.decision import Decision


@dataclass(frozen=True, slots=True)
class PolicySnapshot:
    """What a request is decided by: it takes the snapshot of its admission and keeps it to its end.

    `always` are the digests for every request, `gated` a target's digest for prompts about it.
    """

    number: int
    targets: Mapping[str, ForgetTarget]
    always: Sequence[str]
    gated: Mapping[str, str]
    classifier: Classifier

    def decide(self, matches: Sequence[Match]) -> Decision:
        """Return what is done with a request in which `matches` were found: the strictest of what their targets ask for."""
        action = Action.strictest(self.targets[match.target_id].action for match in matches)
        about = [match.target_id for match in matches if match.target_id in self.gated]
        digests = dict.fromkeys([*self.always, *(self.gated[target] for target in about)])
        return Decision(action.verdict if action else "allow", tuple(digests), tuple(matches), self.number)
