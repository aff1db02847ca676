"""Prompts in other languages than English: which targets they are about."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from classifiers.multilingual.classifier import NAME, Multilingual
from classifiers.multilingual.heard import Runs, is_heard
from classifiers.multilingual.names import NameVectors, names_of
from classifiers.multilingual.said import Said
from classifiers.profile.classifier import Described
from classifiers.target import ForgetTarget

# The beginning of a prompt in which names are compared by sound: each pair of a name and a run of words takes a microsecond.
_MOST_CHARACTERS = 2000


@dataclass(frozen=True)
class ForeignPrompts:
    """Finds the targets of prompts in other languages. Immutable.

    Attributes:
        model: Compares prompts and targets.
        names: The names of all targets.
    """

    model: Multilingual
    names: NameVectors

    @classmethod
    def of(cls, model: Multilingual, targets: Sequence[ForgetTarget]) -> ForeignPrompts:
        """Encode the names of targets, and forget those of all others. Errors are those of the encoder."""
        found = cls(model, NameVectors.of(targets, model.names))
        model.names.keep(names_of(targets))
        return found

    def changed(
        self, upserted: Sequence[ForgetTarget], removed: Collection[str], targets: Mapping[str, ForgetTarget]
    ) -> ForeignPrompts:
        """Return the same for other targets.

        Args:
            upserted: Targets that are new or that replace the target with the same id.
            removed: The ids of targets that are removed.
            targets: All targets after the change, by id. The names of no others stay in the file of vectors.
        """
        found = ForeignPrompts(self.model, self.names.changed(upserted, removed, self.model.names))
        if len(found.names.ids) < len(self.names.ids) + len(names_of(upserted)):
            self.model.names.keep(names_of(targets.values()))
        return found

    def described(
        self,
        windows: Sequence[str],
        text: str,
        doubtful: Collection[str],
        known: Collection[str],
        targets: Mapping[str, ForgetTarget],
    ) -> list[Described]:
        """Return the targets that a prompt may be about, with their scores.

        Args:
            windows: The windows of the prompt.
            text: The prompt.
            doubtful: The targets whose name occurs in it in a way that leaves doubt.
            known: The targets that are found already.
            targets: All targets by id.

        Raises:
            EncoderError: The encoder fails; other encoders may raise other exceptions.
        """
        if not windows:
            return []
        reach = self.model.reach(windows)
        near = self.names.nearest(np.stack([window.vector for window in reach]))
        candidates = [target_id for target_id in dict.fromkeys([*sorted(doubtful), *near]) if target_id not in known]
        runs, said = Runs(text[:_MOST_CHARACTERS]), Said(text[:_MOST_CHARACTERS])
        found = []
        for target_id in candidates:
            target = targets[target_id]
            score = self.model.score(reach, said, target, target_id in doubtful, is_heard(target.names, runs))
            found.append(Described(target_id, score, NAME))
        return found
