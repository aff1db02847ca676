"""A listing: all that a restriction is compiled from, by owner, without the phrases that it was made of.

The phrases of ten thousand targets, forms included, take a minute to derive. A listing of them is some arrays, which can be kept
in a file, merged with those of others, and compiled without one of the owners in a second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from guard.matching.compact import compact_rows
from guard.matching.gaps import gapped_rows
from guard.matching.patterns import rows_of
from guard.matching.rows import Rows
from guard.phrase import Phrase

_TABLES = ("exact", "compact", "gapped")


@dataclass(frozen=True, eq=False)
class Listing:
    """The patterns of some owners; immutable. Owners are numbered from 0.

    Attributes:
        exact: The patterns with which folded text is searched; a row's tag is its part (`guard.matching.patterns`).
        compact: The letters of phrases with a compact form; a row's tag is the key of its pattern (`guard.matching.compact`).
        gapped: The patterns of the names into which one more word may come.
        phrases: int64 [owners]; the number of phrases of each owner, forms included.
    """

    exact: Rows
    compact: Rows
    gapped: Rows
    phrases: NDArray[np.int64]

    @classmethod
    def of(cls, owners: Sequence[Sequence[Phrase]]) -> Listing:
        """List the phrases of each owner, forms included."""
        numbered = [(number, phrase) for number, phrases in enumerate(owners) for phrase in phrases]
        counts = np.array([len(phrases) for phrases in owners], np.int64)
        return cls(rows_of(numbered), compact_rows(numbered), gapped_rows(numbered), counts)

    def __len__(self) -> int:
        """Return the number of owners."""
        return len(self.phrases)

    @property
    def count(self) -> int:
        """The number of phrases, forms included."""
        return int(self.phrases.sum())

    def of_owners(self, kept: NDArray[np.bool_]) -> Listing:
        """Return what the owners list that are `kept`, bool [owners]; these are numbered anew in the same order."""
        if kept.all():
            return self
        exact, compact, gapped = (table.of_owners(kept) for table in (self.exact, self.compact, self.gapped))
        return Listing(exact, compact, gapped, self.phrases[kept])

    def and_listing(self, other: Listing) -> Listing:
        """Return both together: these owners, then those of the other."""
        if not len(other) or not len(self):
            return self if len(self) else other
        pairs = ((self.exact, other.exact), (self.compact, other.compact), (self.gapped, other.gapped))
        exact, compact, gapped = (mine.and_rows(theirs, len(self)) for mine, theirs in pairs)
        return Listing(exact, compact, gapped, np.concatenate([self.phrases, other.phrases]))

    def banning(self, pattern: str) -> set[int]:
        """Return the owners of the phrases with this `Phrase.pattern`."""
        return {*self.exact.owners_of(f" {pattern}".encode()), *self.exact.owners_of(pattern.encode())}

    def inside(self, pattern: str) -> set[int]:
        """Return the owners of all phrases that occur in the text that says a pattern, and perhaps some more."""
        return set(self.exact.owners_inside(f" {pattern}".encode()))

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return the arrays by name."""
        named = {f"{table}.{name}": array for table in _TABLES for name, array in getattr(self, table).arrays().items()}
        return {**named, "phrases": self.phrases}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Listing:
        """Return the listing whose `arrays` these are. Raises KeyError if one is missing."""
        names = ("text", "start", "tag", "penalty", "owner")
        # Copied, so that the arrays can be written and numba compiles each loop only once.
        exact, compact, gapped = (Rows(*(np.array(arrays[f"{table}.{name}"]) for name in names)) for table in _TABLES)
        return cls(exact, compact, gapped, np.array(arrays["phrases"]))
