"""The automaton: the phrases of a restriction as one byte trie with failure links, in flat arrays.

Aho and Corasick, "Efficient string matching: an aid to bibliographic search" (CACM 18(6), 1975), over the UTF-8 bytes of folded
text. A state is the number of a node. What reading a byte costs does not depend on the number of phrases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from guard.folding import DOT, SPACE
from guard.matching import kernels, trie
from guard.matching.patterns import KIND_OF, KINDS, PARTS, Patterns
from guard.phrase import Phrase
from guard.tokens.vocabulary import Vocabulary

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

    # In the order of `guard.matching.kernels`, then what each node has of its own.
    first_child: Nodes
    label: Bytes
    fail: Nodes
    open_end: Penalties
    word_end: Penalties
    ending: Penalties
    e_child: Nodes
    e_label: Bytes
    e_stop: NDArray[np.bool_]
    own: Bytes
    lower_at: NDArray[np.int64]
    lower: Penalties

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
        """Compile `patterns`. Return the automaton and the node at which each pattern ends, int32 [patterns].

        A pattern's node has the penalties of its suffixes, too. Its own ones are those of `patterns`.
        """
        first_child, label, parent, at = trie.build_trie(patterns.text, patterns.start)
        ends = np.zeros((KINDS, len(label)), np.float32)
        ends[:, at] = patterns.ends
        fail = trie.link(first_child, label, parent, trie.last_words(first_child, label), ends)
        open_end, word_end, ending = ends
        endings = ending_tables()
        if not ending.any():
            ending, endings = ending[:0], tuple(array[:0] for array in endings)
        rest = (*endings, *_own(patterns, at, ends))
        return cls(first_child, label, fail, open_end, word_end, ending, *rest), at

    @cached_property
    def letters(self) -> Bytes:
        """The letters of each path's last word, uint8 [nodes]; see `guard.matching.trie.last_words`."""
        letters: Bytes = trie.last_words(self.first_child, self.label)
        letters.setflags(write=False)
        return letters

    @property
    def paths(self) -> tuple[Nodes, Bytes, Nodes, Bytes]:
        """The arrays with which text is read; see `guard.matching.kernels`."""
        return self.first_child, self.label, self.fail, self.letters

    @property
    def ends(self) -> tuple[NDArray[Any], ...]:
        """The arrays that say where phrases end; see `guard.matching.kernels`."""
        return self.open_end, self.word_end, self.ending, self.e_child, self.e_label, self.e_stop

    def own_penalties(self, node: int) -> list[float]:
        """Return the penalty of the phrases that end at a node itself, by part (`guard.matching.patterns.PARTS`); 0 for none."""
        found = [0.0] * PARTS
        for part in range(PARTS):
            if self.own[node] >> part & 1:
                at = int(np.searchsorted(self.lower_at, node * PARTS + part))
                lower = at < len(self.lower_at) and self.lower_at[at] == node * PARTS + part
                found[part] = float(self.lower[at] if lower else (self.open_end, self.word_end, self.ending)[KIND_OF[part]][node])
        return found

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the arrays by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def __len__(self) -> int:
        """Return the number of nodes, with the root: 1 if there are no patterns."""
        return len(self.label)

    @cached_property
    def levels(self) -> Nodes:
        """The first node of each level, int32 [depth + 1]: nodes are numbered breadth first."""
        return trie.level_starts(self.first_child)

    @cached_property
    def level(self) -> Nodes:
        """Each node's distance from the root, in bytes: int32 [nodes]."""
        return trie.levels(self.first_child)

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

    def walk(self, state: int, folded: Bytes) -> int:
        """Return the state after reading `folded`, uint8 [bytes], in `state`."""
        return int(kernels.walk(*self.paths, state, folded))

    def completes(self, state: int, folded: Bytes) -> float:
        """Return the highest penalty of the phrases that `folded`, uint8 [bytes], completes from `state`; 0 if none."""
        return float(kernels.completes(*self.paths, *self.ends, state, folded))

    def last(self, state: int) -> str:
        """Return the end of the folded text in `state`, for `guard.folding.StreamFolder`."""
        if state >= len(self):
            return DOT
        return SPACE if self.label[state] in (trie.SPACE, trie.DOT) else ""

    def parent(self, node: int) -> int:
        """Return the node before `node` on its path. The root has none."""
        return trie.parent_of(self.first_child, node)

    def path(self, node: int) -> bytes:
        """Return the path to a node, as a pattern has it: a dot is the end of a sentence."""
        path = bytearray()
        while node != ROOT:
            path.append(self.label[node])
            node = self.parent(node)
        return bytes(reversed(path))

    def said(self, state: int) -> bytes:
        """Return the folded text of which a state knows that it has been said: the least one, read from the root."""
        text = self.path(state % len(self)).replace(b".", b". ")
        return text + b"." if state >= len(self) else text

    def node(self, pattern: str) -> int:
        """Return the node to which the bytes of a pattern lead. The pattern must be among those that were compiled."""
        node = self.find(pattern.encode())
        assert node is not None
        return node

    def find(self, path: bytes) -> int | None:
        """Return the node to which `path` leads, None if there is none."""
        node = ROOT
        for byte in path:
            node = int(trie.child(self.first_child, self.label, node, byte))
            if node < 0:
                return None
        return node

    def chain(self, node: int) -> list[int]:
        """Return `node` and the nodes of its suffixes, longest first, down to the root: all phrases that have been begun."""
        nodes = [node]
        while node != ROOT:
            node = int(self.fail[node])
            nodes.append(node)
        return nodes

    def behind_dot(self, state: int) -> tuple[int, int]:
        """Return the nodes at which a state behind a dot goes on: if no space follows, and if one does."""
        node = state - len(self)
        plain = trie.follow(self.first_child, self.label, self.fail, node, trie.SPACE)
        return int(plain), int(trie.sentence_end(*self.paths, node))


def _own(patterns: Patterns, at: Nodes, ends: Penalties) -> tuple[Bytes, NDArray[np.int64], Penalties]:
    """Return what each node has of its own (own, lower_at, lower), given all of its penalties, float32 [3, nodes]."""
    own = np.zeros(ends.shape[1], np.uint8)
    lower_at, lower = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
    for part in range(PARTS):
        penalties = patterns.own[part]
        own[at] |= (penalties > 0).astype(np.uint8) << part
        less = np.flatnonzero((penalties > 0) & (penalties < ends[KIND_OF[part]][at]))
        lower_at.append(at[less].astype(np.int64) * PARTS + part)
        lower.append(penalties[less])
    where, penalties = np.concatenate(lower_at), np.concatenate(lower)
    order = np.argsort(where)
    return own, where[order], penalties[order]


def descend(
    first_child: Nodes, label: Bytes, ends: tuple[NDArray[Any], ...], node: int, vocabulary: Vocabulary
) -> tuple[NDArray[np.int64], Penalties]:
    """Find the tokens that continue the path to a node to the end of a phrase, without following failure links.

    Args:
        first_child, label: The trie; see `guard.matching.kernels`.
        ends: Where phrases end: open_end, word_end, ending, e_child, e_label, e_stop.
        node: The node.
        vocabulary: The tokens.

    Returns:
        Their ids, int64 [n], which may be repeated, and their penalties, float32 [n].
    """
    v = vocabulary
    # Behind a space, a token's own leading space or dot adds nothing, so such tokens are read from their second byte on.
    entries = [(v.empty, len(v), 0)]
    if label[node] in (trie.SPACE, trie.DOT):
        entries = [(v.lettered, len(v), 0), (v.dotted, v.lettered, 1), (v.empty, v.dotted, 1)]
    ids, penalties = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
    for low, high, depth in entries:
        ranges, worst = kernels.continuations(first_child, label, *ends, node, v.text, v.start, low, high, depth)
        for (first, last), penalty in zip(ranges.tolist(), worst.tolist(), strict=True):
            ids.append(v.order[first:last])
            penalties.append(np.full(last - first, penalty, np.float32))
    return np.concatenate(ids), np.concatenate(penalties)


@cache
def ending_tables() -> tuple[NDArray[Any], ...]:
    """Return the trie of all endings: first_child, label, and whether an ending is complete at the node."""
    from guard.forms.endings import ALL_ENDINGS  # here, because a worker only reads automata

    texts = sorted(ending.encode() for ending in ALL_ENDINGS)
    start = np.append(0, np.cumsum([len(text) for text in texts]))
    first_child, label, _, ends = trie.build_trie(np.frombuffer(b"".join(texts), np.uint8), start)
    stop = np.zeros(len(label), np.bool_)
    stop[ends] = True
    return first_child, label, stop
