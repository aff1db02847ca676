"""A plan: what is to be done with the answers to one request, from the decision about it and the policy's snapshot."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from classifiers import ForgetTarget
from classifiers.answering import Answer, Answering
from guard.restriction import Restriction
from server.answers.terms import Finds, Reader, Terms, Watching
from server.screening.decision import Decision
from server.screening.snapshot import PolicySnapshot

Verify = Callable[[Sequence[ForgetTarget], Sequence[Restriction], Sequence[str]], Finds]


@dataclass(frozen=True)
class Plan:
    """What is to be done with the answers to one request.

    Attributes:
        decision: The decision about the request.
        snapshot: The policy that it was decided under.
        restriction: Returns a compiled restriction by its digest.
        verify: Makes a verifier of the targets concerned, the restrictions in force and the texts that may be said.
        finish: The `finish_reason` of an answer that ends with the policy's text.
        hits: Whether the engine ends a choice at a hit.
        continues: Whether a choice that was cut may go on. Under a grammar and in tool calls it may not.
    """

    decision: Decision
    snapshot: PolicySnapshot
    restriction: Callable[[str], Restriction]
    verify: Verify
    finish: str
    hits: bool
    continues: bool

    @property
    def refused(self) -> bool:
        """Whether the answer is the policy's text and nothing else."""
        return not self.decision.answered

    @property
    def about(self) -> Sequence[str]:
        """The ids of the matched targets whose phrases are banned."""
        targets: Mapping[str, ForgetTarget] = self.snapshot.targets
        return tuple(match.target_id for match in self.decision.matches if targets[match.target_id].action.bans)

    def terms(self, about: Collection[str]) -> Terms:
        """Return the terms of an answer about these targets, in addition to what holds for every answer."""
        own = [self.snapshot.gated[target] for target in about if target in self.snapshot.gated]
        digests = tuple(dict.fromkeys([*self.decision.digests, *own]))
        restrictions = [self.restriction(digest) for digest in digests]
        targets = [self.snapshot.targets[target] for target in about]
        return Terms(tuple(about), digests, restrictions, partial(self.verify, targets, restrictions, self.decision.allowed))

    def watching(self, terms: Terms, main: str, *, held: bool) -> Watching:
        """Return what reads the fields of a choice. `held`: nothing leaves before the choice has ended."""

        def reader(field: str) -> Reader:
            # The arguments of a tool call are of no use before they are complete.
            return Reader(terms, held=held or (bool(terms.about) and field != main and not field.startswith("reasoning")))

        return reader

    def answering(self, targets: Collection[str]) -> Answering:
        """Return how an answer about these targets is given: as the strictest of them says; by the defaults if there are none."""
        found = [self.snapshot.answering(target) for target in targets]
        return max(found, key=lambda one: one.answer.strictness, default=self.snapshot.defaults)

    def say(self, targets: Collection[str]) -> str:
        """Return the policy's text for an answer about these targets, in the language of the prompt."""
        return self.answering(targets or [match.target_id for match in self.decision.matches]).text(self.decision.language)

    @property
    def masks(self) -> bool:
        """Whether every answer is only masked, so that the engine need not end a choice at a hit."""
        known = [self.snapshot.answering(target) for target in self.about] or [self.snapshot.defaults]
        return bool(self.about) and all(one.answer is Answer.MASK for one in known)
