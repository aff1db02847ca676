"""A policy snapshot: the numbered, immutable state of all targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from classifiers import Classifier, ForgetTarget, Match
from classifiers.action import Action
from classifiers.answering import Answering
from classifiers.detection import Detection
from classifiers.reading.language import language_of
from server.screening.conversation import Text, asked, conversation
from server.screening.decision import Decision
from server.screening.mentions import mentions, without
from server.screening.reading import Classify, Counted, counted


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
        detection: which texts count for targets that do not say it themselves.
    """

    number: int
    targets: Mapping[str, ForgetTarget]
    always: Sequence[str]
    gated: Mapping[str, str]
    classifier: Classifier
    defaults: Answering = field(default_factory=Answering)
    detection: Detection = field(default_factory=Detection)

    def answering(self, target_id: str) -> Answering:
        """Return how answers about a target of this snapshot are given. Raises KeyError if there is no such target."""
        return self.targets[target_id].answering(self.defaults)

    def counted(self, matches: Sequence[Match], texts: Sequence[Text], classify: Classify) -> Counted:
        """Return what counts of what was found in a request, by what its targets say (`server.screening.reading`)."""
        found = [self.targets[match.target_id] for match in matches]
        if not found:
            return Counted((), {})
        own = [(t, self.detection.with_own(t.detection), self.answering(t.id).in_context) for t in found]
        return counted(matches, texts, own, classify)

    def decide(self, matches: Sequence[Match], texts: Sequence[Text] = (), refusing: Mapping[str, str] | None = None) -> Decision:
        """Return what the server does with a request: the strictest action of the targets that were found in it decides.

        If the request says a fact of one of these whose facts must not be in a prompt, the server does not answer it. A target
        refuses only if the texts that may refuse are about it: in any other request its action is `suppress`. Matches that are
        not certain do not count. Only a judge makes them certain (`server.screening.judging`).

        Args:
            matches: What was found, as far as it counts.
            texts: The texts of the request.
            refusing: For each target that may refuse the request, the texts about it that may refuse (`Counted`). None: any
                target may, for any of the texts.
        """
        matches = [match for match in matches if match.certain]
        found = [self.targets[match.target_id] for match in matches]
        whole = conversation(texts)
        if refusing is None:
            refusing = dict.fromkeys((target.id for target in found), whole)
        action = Action.strictest(
            target.action if target.action.answers or target.id in refusing else Action.SUPPRESS for target in found
        )
        if action is None:
            return Decision("allow", tuple(self.always), (), self.number)
        about = [target.id for target in found if target.id in self.gated]
        digests = dict.fromkeys([*self.always, *(self.gated[target] for target in about)])
        answered = [(target, self.answering(target.id)) for target in found]
        said = mentions(whole, answered, refusing)
        language = language_of(without(asked(texts), [name for target in found for name in target.names]))
        verdict = "refuse" if said.refused else action.verdict
        hints = dict.fromkeys(how.hint for target, how in answered if how.hint and target.action.bans)
        return Decision(
            verdict,
            tuple(digests),
            tuple(matches),
            self.number,
            allowed=said.allowed,
            hints=tuple(hints) if verdict == "restrict" else (),
            language=language,
        )
