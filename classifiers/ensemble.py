"""Several classifiers as one, and the usual one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from classifiers.calibration.limits import Calibration
from classifiers.head.classifier import HeadClassifier
from classifiers.head.weights import HeadWeights
from classifiers.meaning.background import full_background
from classifiers.meaning.encoder import Encoder
from classifiers.meaning.nearest import Conflict, NearestClassifier, Thresholds
from classifiers.naming.alias import AliasClassifier
from classifiers.protocol import Classifier, Match, Screened, best_matches
from classifiers.target import ForgetTarget
from guard.folding import fold


class EnsembleClassifier:
    """The union of what its members find: each target's best match; of equal scores the earlier member's.

    A cascade: members are asked in order, so the cheap ones come first, and a text in which a target of `final` was found is
    not shown to the later ones. Nothing they could find would change what is done with it, so nothing is encoded for it. Its
    matches are then those of the earlier members alone.

    Fails closed: what a member raises is raised, and so is ValueError for a member that does not answer for every text.
    """

    def __init__(self, members: Sequence[Classifier], final: Collection[str] = (), conflicts: Sequence[Conflict] = ()) -> None:
        """`final`: ids of targets of which one match decides. `conflicts`: those that no member knows of.

        Raises ValueError without members: nothing would ever be found.
        """
        if not members:
            raise ValueError("an ensemble needs a member")
        self.members = tuple(members)
        self._final = frozenset(final)
        known: list[Conflict] = [conflict for member in members for conflict in getattr(member, "conflicts", ())]
        self.conflicts: tuple[Conflict, ...] = tuple(dict.fromkeys([*conflicts, *known]))
        """What the policy says twice, or both ways; for the operator."""

    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        """Return the matches of each text."""
        found: list[list[Match]] = [[] for _ in texts]
        undecided = list(range(len(texts)))
        for member in self.members:
            answers = member.classify([texts[number] for number in undecided])
            for number, matches in zip(undecided, answers, strict=True):
                found[number].extend(matches)
            undecided = [number for number in undecided if not any(match.target_id in self._final for match in found[number])]
        return [best_matches(matches) for matches in found]


def build_classifier(
    targets: Sequence[ForgetTarget],
    background: Sequence[str],
    encoder: Encoder,
    thresholds: Thresholds | None = None,
    calibration: Calibration | None = None,
    head: bool | HeadWeights = False,
) -> EnsembleClassifier:
    """Return the usual classifier: names and identifying phrases exactly, example prompts by meaning.

    `background` are the operator's innocent prompts; those that come with the package are added to it (`full_background`). Give
    the encoder as a `CachedEncoder`, so that a policy that changes a little does not encode all its examples again.

    `calibration` sets the limits of the targets it knows; the others have the default. `head` adds the trained head: True trains
    one, weights are taken as they are.

    Raises ValueError if two targets have the same id or the calibration was made with another encoder or other thresholds,
    HeadError for weights of other examples or another encoder, and what the encoder raises.
    """
    if calibration is not None:
        calibration.check(encoder, thresholds or Thresholds())
    everything = full_background(background)
    members: list[Classifier] = [AliasClassifier(targets)]
    members.append(NearestClassifier(targets, everything, encoder, thresholds, calibration.limits if calibration else None))
    if head:
        weights = head if isinstance(head, HeadWeights) else None
        members.append(HeadClassifier(targets, everything, encoder, weights))
    # A refused prompt is refused whatever else it is about.
    final = {target.id for target in targets if not target.action.answers}
    return EnsembleClassifier(members, final, shared_names(targets))


def shared_names(targets: Sequence[ForgetTarget]) -> list[Conflict]:
    """Return a conflict of kind `alias` for each folded name that several targets have. A prompt with it matches them all."""
    owners: dict[str, dict[str, None]] = {}
    for target in targets:
        for name in target.names:
            owners.setdefault(fold(name).strip(), {})[target.id] = None
    return [Conflict("alias", tuple(ids)) for ids in owners.values() if len(ids) > 1]
