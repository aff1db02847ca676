"""The names of all targets as vectors: they find the few targets that a prompt in another language may be about."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from classifiers.meaning.encoder import Encoder, Vectors
from classifiers.target import ForgetTarget

MOST_CANDIDATES = 12
"""The most targets that a window is compared with."""


def names_of(targets: Iterable[ForgetTarget]) -> list[str]:
    """Return the names and aliases of targets, in order."""
    return [name for target in targets for name in target.names]


@dataclass(frozen=True)
class NameVectors:
    """The vectors of names. Immutable.

    Attributes:
        ids: The id of each vector's target.
        vectors: float32 [names, dimension].
    """

    ids: tuple[str, ...]
    vectors: Vectors

    @classmethod
    def of(cls, targets: Sequence[ForgetTarget], encoder: Encoder) -> NameVectors:
        """Encode the names of targets. Errors are those of the encoder."""
        ids = tuple(target.id for target in targets for _ in target.names)
        return cls(ids, np.asarray(encoder.encode(names_of(targets)), np.float32).reshape(len(ids), encoder.dimension))

    def changed(self, upserted: Sequence[ForgetTarget], removed: Collection[str], encoder: Encoder) -> NameVectors:
        """Return the vectors without those of removed and changed targets, and with those of `upserted`."""
        gone = {*removed, *(target.id for target in upserted)}
        new = NameVectors.of(upserted, encoder)
        stay = [place for place, target_id in enumerate(self.ids) if target_id not in gone]
        kept = self.vectors if len(stay) == len(self.ids) else self.vectors[stay]
        ids = self.ids if len(stay) == len(self.ids) else tuple(self.ids[place] for place in stay)
        return NameVectors((*ids, *new.ids), np.concatenate([kept, new.vectors]))

    def nearest(self, vectors: Vectors, most: int = MOST_CANDIDATES) -> list[str]:
        """Return the targets whose names are nearest to some windows, at most `most` for each window.

        Args:
            vectors: float32 [windows, dimension].
            most: The number of names per window.
        """
        if not len(self.ids) or not len(vectors):
            return []
        cosines = vectors @ self.vectors.T
        count = min(most, cosines.shape[1])
        places = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
        return list(dict.fromkeys(self.ids[place] for place in places.reshape(-1).tolist()))
