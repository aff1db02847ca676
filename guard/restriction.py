"""A restriction: a compiled, immutable set of phrases and anchors.

It is named by the sha256 of its content and stored as one safetensors file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from guard import mapped
from guard.errors import CorruptRestriction, FormatMismatch, UnknownRestriction
from guard.matching.automaton import Automaton
from guard.matching.compact import CompactAutomaton
from guard.meaning.anchors import Anchors
from guard.phrase import Phrase

FORMAT = 1
SUFFIX = ".safetensors"
MAX_PHRASES = 500_000


@dataclass(frozen=True, eq=False)
class Restriction:
    """Phrases compiled for decode time, and words near which nothing may be said, whatever the tokenizer."""

    automaton: Automaton
    compact: CompactAutomaton
    anchors: Anchors | None = None

    @classmethod
    def compile(cls, phrases: Sequence[Phrase], anchors: Anchors | None = None) -> Restriction:
        """Compile `phrases`, which may be none; neither their order nor repetitions change the digest of the result.

        Raises ValueError for more than half a million.
        """
        if len(phrases) > MAX_PHRASES:
            raise ValueError(f"{len(phrases)} phrases in one restriction, at most {MAX_PHRASES}")
        return cls(Automaton.build(phrases), CompactAutomaton.build(phrases), anchors)

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the arrays of both automata and of the anchors, if there are any, by name, in a fixed order."""
        parts = {"exact": self.automaton.arrays(), "compact": self.compact.arrays()}
        named = {f"{part}.{name}": array for part, arrays in parts.items() for name, array in arrays.items()}
        return named | self.anchors.to_arrays()[0] if self.anchors else named

    @property
    def _metadata(self) -> dict[str, str]:
        return self.anchors.to_arrays()[1] if self.anchors else {}

    @cached_property
    def digest(self) -> str:
        """The restriction's name: sha256 over the format, every array's name, type, shape and bytes, and the anchors' thresholds
        and encoder, in hexadecimal."""
        digest = hashlib.sha256(json.dumps(["guard-restriction", FORMAT]).encode())
        for name, array in self.arrays().items():
            digest.update(json.dumps([name, array.dtype.str, array.shape]).encode())
            digest.update(np.ascontiguousarray(array).data)
        if self.anchors:
            digest.update(json.dumps(self._metadata, sort_keys=True).encode())
        return digest.hexdigest()

    @property
    def size(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in self.arrays().values())

    def save(self, folder: Path) -> Path:
        """Write the restriction into `folder` and return its path; readable by this user alone, complete or not there at all.

        Raises OSError; then nothing is left behind.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / (self.digest + SUFFIX)
        mapped.store(path, self.arrays(), {"format": str(FORMAT), **self._metadata})
        return path

    @classmethod
    def load(cls, folder: Path, digest: str) -> Restriction:
        """Map the restriction `digest` of `folder` into memory.

        Raises UnknownRestriction, CorruptRestriction when the content is not what the digest names, FormatMismatch.
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
                Automaton(**{name[6:]: array for name, array in arrays.items() if name.startswith("exact.")}),
                CompactAutomaton(**{name[8:]: array for name, array in arrays.items() if name.startswith("compact.")}),
                Anchors.from_arrays(arrays, metadata) if "anchor_vectors" in arrays or "anchor_encoder" in metadata else None,
            )
        except TypeError as error:
            raise CorruptRestriction(f"restriction {digest} lacks arrays or has others") from error
        if restriction.digest != digest:
            raise CorruptRestriction(f"restriction {digest} does not hold what its name says")
        return restriction
