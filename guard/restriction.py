"""A restriction: a compiled, immutable set of phrases.

Its name is the sha256 of its content. It is stored as one safetensors file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from guard import mapped
from guard.errors import CorruptRestriction, FormatMismatch, UnknownRestriction
from guard.excepted import Excepted, closed_in, letters_of
from guard.matching.automaton import Automaton
from guard.matching.compact import CompactAutomaton, key_of
from guard.matching.exceptions import Exceptions, joined
from guard.matching.gaps import GapAutomaton
from guard.matching.listing import Listing
from guard.matching.patterns import KINDS, WORD, Patterns
from guard.matching.rows import Rows
from guard.phrase import Phrase

FORMAT = 3
SUFFIX = ".safetensors"
MAX_PHRASES = 4_000_000
"""The most phrases of one restriction, forms included: a name has ten forms as a rule."""


@dataclass(frozen=True, eq=False)
class Restriction:
    """Compiled phrases. They do not depend on a tokenizer."""

    automaton: Automaton
    compact: CompactAutomaton
    exceptions: Exceptions | None = None
    gaps: GapAutomaton | None = None

    @classmethod
    def compile(cls, phrases: Sequence[Phrase], exceptions: Sequence[Excepted] = ()) -> Restriction:
        """Compile `phrases` and `exceptions`, which may be empty. Their order and repetitions do not change the digest.

        Raises:
            ValueError: For more than four million phrases, forms included.
        """
        return cls.of(Listing.of([phrases]), exceptions, phrases)

    @classmethod
    def of(cls, listing: Listing, exceptions: Sequence[Excepted] = (), phrases: Sequence[Phrase] = ()) -> Restriction:
        """Compile what a listing lists: the same as `compile` makes of its phrases.

        Args:
            listing: The patterns.
            exceptions: Texts that may be said.
            phrases: Of the listing's phrases at least those that exceptions may excuse, those that share a pattern with one of
                these, and those that occur in an exception. Without exceptions it is not read.

        Raises:
            ValueError: For more than four million phrases, forms included.
        """
        if listing.count > MAX_PHRASES:
            raise ValueError(f"{listing.count} phrases in one restriction, at most {MAX_PHRASES}: split them among several")
        texts = [*(e.pattern for e in exceptions), *joined(exceptions)]
        others = Rows.of([(f" {text}".encode(), WORD, 0.0, len(listing)) for text in texts])
        patterns = Patterns.of_rows(listing.exact.and_rows(others) if texts else listing.exact)
        automaton, at = Automaton.with_ends(patterns)
        compiled = None
        if exceptions:
            # In an order of its own, so that the order in which they were given does not change the digest.
            ordered = sorted(set(exceptions), key=lambda e: (e.pattern, e.phrases is None, sorted(e.phrases or ())))
            own = np.zeros((KINDS, len(automaton)), np.float32)
            own[:, at] = patterns.ends
            compiled = Exceptions.build(automaton, own, phrases, ordered)
        # An exception is exact, so phrases whose letters it has are not looked for letter by letter.
        # Few of many phrases are excused, and only these are compared with each exception.
        excused: set[str] = set().union(*(e.phrases or () for e in exceptions))
        every = any(e.phrases is None for e in exceptions)
        closed = {
            phrase.pattern
            for phrase in (phrases if exceptions else ())
            if (every or phrase.pattern in excused) and any(map(partial(closed_in, phrase), exceptions))
        }
        compact = listing.compact.without([(letters_of(pattern).encode(), key_of(pattern)) for pattern in closed])
        gaps = GapAutomaton.of_rows(listing.gapped)
        return cls(automaton, CompactAutomaton.of_rows(compact), compiled, gaps if len(gaps) > 1 else None)

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the arrays of all automata by name, in a fixed order."""
        parts = {"exact": self.automaton.arrays(), "compact": self.compact.arrays()}
        if self.exceptions:
            parts["except"] = self.exceptions.arrays()
        if self.gaps:
            parts["gaps"] = self.gaps.arrays()
        return {f"{part}.{name}": array for part, arrays in parts.items() for name, array in arrays.items()}

    @cached_property
    def digest(self) -> str:
        """The restriction's name: a sha256 in hexadecimal.

        It covers the format and each array's name, type, shape and bytes.
        """
        digest = hashlib.sha256(json.dumps(["guard-restriction", FORMAT]).encode())
        for name, array in self.arrays().items():
            digest.update(json.dumps([name, array.dtype.str, array.shape]).encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    @property
    def size(self) -> int:
        """The bytes of all arrays together."""
        return sum(array.nbytes for array in self.arrays().values())

    def save(self, folder: Path) -> Path:
        """Write the restriction into `folder` and return the file's path.

        Only this user can read the file, and it appears complete or not at all.

        Raises:
            OSError: If it cannot be written. Then nothing is left behind.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / (self.digest + SUFFIX)
        mapped.store(path, self.arrays(), {"format": str(FORMAT)})
        return path

    @classmethod
    def load(cls, folder: Path, digest: str) -> Restriction:
        """Read the restriction `digest` from `folder`; a large file is mapped into memory.

        Raises:
            UnknownRestriction: If the folder has no such file.
            CorruptRestriction: If the file cannot be read, or its content does not have this digest.
            FormatMismatch: If the file has another version of the format.
        """
        path = folder / (digest + SUFFIX)
        if not path.is_file():
            raise UnknownRestriction(f"restriction {digest} is not stored here")
        try:
            metadata, arrays = mapped.load(path)
        except (OSError, ValueError) as error:
            raise CorruptRestriction(f"restriction {digest} cannot be read: {error}") from error
        if metadata.get("format") != str(FORMAT):
            raise FormatMismatch(f"restriction {digest} has format {metadata.get('format')!r}, expected {FORMAT}")
        try:
            restriction = cls(
                Automaton(**_part(arrays, "exact.")),
                CompactAutomaton(**_part(arrays, "compact.")),
                Exceptions(**_part(arrays, "except.")) if "except.own" in arrays else None,
                GapAutomaton(**_part(arrays, "gaps.")) if "gaps.label" in arrays else None,
            )
        except TypeError as error:
            raise CorruptRestriction(f"restriction {digest} lacks arrays, or has unknown ones") from error
        if restriction.digest != digest:
            raise CorruptRestriction(f"restriction {digest} does not hold what its name says: compile it again")
        return restriction


def _part(arrays: Mapping[str, NDArray[np.generic]], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
