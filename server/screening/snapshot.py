"""A policy snapshot: the numbered, immutable state of all targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from classifiers import Classifier, ForgetTarget, Match
from classifiers.action import Action
from classifiers.answering import Answering
from server.screening.decision import Decision


@dataclass(frozen=True, slots=True)
class PolicySnapshot:
    """What decides a request. A request keeps the snapshot under which it was admitted until it ends.

    Attributes:
        number: the snapshot's number in the store.
        targets: all targets that are enforced, by id.
        always: digests of the restrictions for every answer.
        gated: the digest of the restriction for answers to prompts about a target, by target id.
        classifier: finds the targets that a text is about.
        defaults: how answers about targets are given that do not say it themselves.
    """

    number: int
    targets: Mapping[str, ForgetTarget]
    always: Sequence[str]
    gated: Mapping[str, str]
    classifier: Classifier
    defaults: Answering = field(default_factory=Answering)

    def answering(self, target_id: str) -> Answering:
        """Return how answers about a target of this snapshot are given. Raises KeyError if there is no such target."""
        return self.targets[target_id].answering(self.defaults)

    def decide(self, matches: Sequence[Match]) -> Decision:
        """Return what the server does with a request in which `matches` were found: their strictest action decides."""
        action = Action.strictest(self.targets[match.target_id].action for match in matches)
        about = [match.target_id for match in matches if match.target_id in self.gated]
        digests = dict.fromkeys([*self.always, *(self.gated[target] for target in about)])
        return Decision(action.verdict if action else "allow", tuple(digests), tuple(matches), self.number)
