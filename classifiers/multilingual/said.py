"""What a prompt in another language says of a target in its own letters: the name and proper names by sound, words as written.

The encoder compares meanings, and knows few names. A name in another script is heard instead: its letters are aligned with the
sounds of the prompt (`classifiers.naming.sounds.alignment.cost_per_letter`). In Latin script names and many words are written
alike in all languages.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from classifiers.meaning.encoder import Vectors
from classifiers.naming.sounds.alignment import Stream, cost_per_letter
from classifiers.naming.sounds.graphemes import graphemes
from classifiers.naming.sounds.transliteration import streams
from classifiers.naming.weak import is_weak
from classifiers.profile.profile import Profile
from classifiers.profile.words import informative, shared, stem
from guard.folding import fold

NAMES = (
    "heard",  # how well a name that is no ordinary word sounds like a part of the prompt, in [0, 1]
    "heard x length",  # a long name is rarely heard by chance
    "heard ordinary",  # how well an ordinary word as a name does ("Oasis"): it may mean something else
    "proper names",  # information of the proper names in the target's texts that are heard or read
    "best proper name",
    "read named",  # information of the words of names that are read
    "read",  # information of all words of the target that are read
)
# A cost per letter from which on a name is not heard at all: of names in other scripts half cost less than 0.06, of other names
# 1 in 100 cost less than 0.14.
_DEAF = 0.15
_LONG = 8
_MOST_PROPER, _MOST_NAMED, _MOST_READ = 2.0, 2.0, 3.0


class Said:
    """A prompt, read once for all targets that it is compared with."""

    def __init__(self, text: str) -> None:
        """Read nothing yet."""
        self._text = text

    @cached_property
    def _streams(self) -> list[Stream]:
        return list(streams(self._text))

    @cached_property
    def _told(self) -> dict[str, float]:
        return informative([self._text])

    def heard(self, name: str) -> float:
        """Return how well a name in Latin script sounds like a part of the prompt in another script, in [0, 1]."""
        return 1 - cost_per_letter(graphemes(name), self._streams, _DEAF) / _DEAF if self._streams else 0.0

    def of(self, names: Sequence[str], profile: Profile) -> Vectors:
        """Return what the prompt says of a target, in the order of `NAMES`: float32 [features].

        Args:
            names: The names of the target.
            profile: Its profile.
        """
        strong, long, ordinary = 0.0, 0.0, 0.0
        for name in names:
            if not (well := self.heard(name)):
                continue
            if is_weak(" ".join(fold(name).split())):
                ordinary = max(ordinary, well)
            else:
                strong, long = max(strong, well), max(long, well * min(1.0, len(graphemes(name)) / _LONG))
        if self._streams:
            proper = [told * self.heard(word) for word, told in profile.proper.items()]
        else:
            proper = [told for word, told in profile.proper.items() if stem(word) in self._told]
        found = (
            strong,
            long,
            ordinary,
            min(_MOST_PROPER, sum(proper)),
            max(proper, default=0.0),
            min(_MOST_NAMED, shared(self._told, profile.named)),
            min(_MOST_READ, shared(self._told, profile.known)),
        )
        return np.array(found, np.float32)
