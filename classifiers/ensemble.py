"""Several classifiers as one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from classifiers.protocol import Classifier, Match, Screened, best_matches


class EnsembleClassifier:
    """The union of the matches of its members: the best match of each target; of equal scores that of the earlier member.

    It is a cascade. It asks the members in order, so the cheap ones should come first, and does not show a text to the later
    members once an earlier one has found a target of `final` in it for certain. Their matches could not change the decision, so
    nothing is encoded for such a text. An uncertain match ends nothing.

    The ensemble fails closed: it passes on every exception of a member.
    """

    def __init__(self, members: Sequence[Classifier], final: Collection[str] = ()) -> None:
        """Combine classifiers.

        Args:
            members: In the order in which they are asked.
            final: The ids of the targets of which one certain match decides what happens to the text.

        Raises:
            ValueError: There are no members, so nothing would ever be found.
        """
        if not members:
            raise ValueError("an ensemble needs at least one member: without one it would find nothing")
        self._members = tuple(members)
        self._final = frozenset(final)

    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        """Return the matches of each text.

        Raises:
            ValueError: A member does not answer for every text.
        """
        found: list[list[Match]] = [[] for _ in texts]
        undecided = list(range(len(texts)))
        for member in self._members:
            answers = member.classify([texts[number] for number in undecided])
            for number, matches in zip(undecided, answers, strict=True):
                found[number].extend(matches)
            undecided = [number for number in undecided if not any(self._decides(match) for match in found[number])]
        return [best_matches(matches) for matches in found]

    def _decides(self, match: Match) -> bool:
        return match.certain and match.target_id in self._final
