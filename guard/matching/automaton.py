"""The automaton: the phrases of a restriction as one byte trie with failure links, in flat arrays.

Aho and Corasick, "Efficient string matching: an aid to bibliographic search" (CACM 18(6), 1975), over the UTF-8 bytes of folded
text. A state is the number of a node. What reading a byte costs does not depend on the number of phrases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from guard.matching import kernels
from guard.matching.patterns import Patterns
from guard.phrase import Phrase

Bytes = NDArray[np.uint8]
Nodes = NDArray[np.int32]
Penalties = NDArray[np.float32]

ROOT = 0


def as_bytes(text: str) -> Bytes:
    """Return the UTF-8 bytes of `text` as an array, uint8 [bytes]."""
    return np.frombuffer(text.encode(), np.uint8)


@dataclass(frozen=True, eq=False)
class Automaton:
    """Compiled patterns; immutable. `guard.matching.kernels` describes the arrays."""

    first_child: Nodes
    label: Bytes
    fail: Nodes
    open_end: Penalties
    word_end: Penalties

    def __post_init__(self) -> None:
        # A mapped file's arrays are read-only. If all are, numba compiles each loop only once.
        for array in self.arrays().values():
            array.setflags(write=False)

    @classmethod
    def build(cls, phrases: Sequence[Phrase]) -> Automaton:
        """Compile `phrases`. They may be in any order, and some may be equal or the beginning of others."""
        return cls.with_ends(Patterns.of(phrases))[0]

    @classmethod
    def with_ends(cls, patterns: Patterns) -> tuple[Automaton, Nodes]:
        """Compile `patterns`. Return the automaton and the node at which each pattern ends, int32 [patterns]."""
        first_child, label, parent, ends = kernels.build_trie(patterns.text, patterns.start)
        open_end, word_end = np.zeros(len(label), np.float32), np.zeros(len(label), np.float32)
        open_end[ends], word_end[ends] = patterns.open_end, patterns.word_end
        fail = kernels.link(first_child, label, parent, open_end, word_end)
        return cls(first_child, label, fail, open_end, word_end), ends

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the arrays by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def __len__(self) -> int:
        """Return the number of nodes, with the root: 1 if there are no patterns."""
        return len(self.label)

    @cached_property
    def level(self) -> Nodes:
        """Each node's distance from the root, in bytes: int32 [nodes]."""
        return kernels.levels(self.first_child)

    @property
    def depth(self) -> int:
        """The length of the longest pattern in bytes; 0 if there are none."""
        # Nodes are numbered breadth first, so no node is deeper than the last.
        return int(self.level[-1])

    @cached_property
    def shortest(self) -> int:
        """The length of the shortest pattern in bytes; 0 if there are none."""
        return int(self.level[np.argmax((self.open_end > 0) | (self.word_end > 0))])

    @cached_property
    def start(self) -> int:
        """The state at the beginning of a text, where a word may begin."""
        return self.walk(ROOT, as_bytes(" "))

    def walk(self, node: int, folded: Bytes) -> int:
        """Return the state after reading `folded`, uint8 [bytes], in state `node`."""
        return int(kernels.walk(self.first_child, self.label, self.fail, node, folded))

    def completes(self, node: int, folded: Bytes) -> float:
        """Return the highest penalty of the phrases that `folded`, uint8 [bytes], completes from state `node`; 0 if none."""
        return float(kernels.completes(self.first_child, self.label, self.fail, self.open_end, self.word_end, node, folded))

    def chain(self, node: int) -> list[int]:
        """Return `node` and the nodes of its suffixes, longest first, down to the root: all phrases that have been begun."""
        nodes = [node]
        while node != ROOT:
            node = int(self.fail[node])
            nodes.append(node)
        return nodes
