"""Compact matching: finds a phrase whatever is between its letters, from the beginning of a word to the end of one.

"H-a-r-r-y P-o-t-t-e-r" folds to "h a r r y p o t t e r". Compact matching compares the letters alone with the letters of the
phrase. The first letter must begin a word and the last must end one, so "charry pottery" remains allowed. It applies only to
phrases that are always banned and have eight letters or more: shorter ones would match ordinary words side by side.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from guard.ban import Ban, BanCache
from guard.excepted import letters_of
from guard.folding import StreamFolder
from guard.matching import compactkernels, trie
from guard.matching.rows import Rows
from guard.phrase import Phrase
from guard.tokens.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class CompactAutomaton:
    """Compiled compact patterns; immutable. `guard.matching.compactkernels` describes the arrays."""

    first_child: NDArray[np.int32]
    label: NDArray[np.uint8]
    fail: NDArray[np.int32]
    word_end: NDArray[np.float32]
    # Phrases of several patterns may have the same letters ("Mary Land", "Maryland"). For each pattern: the node at which its
    # letters end, ascending; its key, which no other pattern with these letters has; and its penalty.
    writer_at: NDArray[np.int32]
    writer_key: NDArray[np.int32]
    writer_penalty: NDArray[np.float32]

    def __post_init__(self) -> None:
        for array in self.arrays().values():
            array.setflags(write=False)

    @classmethod
    def build(cls, phrases: Sequence[Phrase]) -> CompactAutomaton:
        """Compile the phrases that have a compact form."""
        return cls.of_rows(compact_rows(enumerate(phrases)))

    @classmethod
    def of_rows(cls, rows: Rows) -> CompactAutomaton:
        """Compile the letters of phrases, which are `compact_rows`."""
        first, text, start = rows.distinct()
        first_child, label, parent, ends = trie.build_trie(text, start)
        own = np.zeros(len(label), np.float32)
        if len(rows):
            own[ends] = np.maximum.reduceat(rows.penalty, first)
        fail = trie.link(first_child, label, parent, np.zeros(len(label), np.uint8), np.empty((0, len(label)), np.float32))
        return cls(first_child, label, fail, own, *_writers(rows, first, ends))

    def path(self, node: int) -> bytes:
        """Return the letters that lead to a node."""
        found = bytearray()
        while node:
            found.append(self.label[node])
            node = int(np.searchsorted(self.first_child, np.int32(node), side="right")) - 1
        return bytes(reversed(found))

    def find(self, letters: bytes) -> int | None:
        """Return the node to which `letters` lead, None if there is none."""
        node = 0
        for byte in letters:
            node = int(trie.child(self.first_child, self.label, node, byte))
            if node < 0:
                return None
        return node

    def remaining(self, patterns: Collection[str]) -> dict[int, float]:
        """Return what is left at nodes without the phrases of some patterns.

        Args:
            patterns: The patterns (`Phrase.pattern`).

        Returns:
            For each node at which the letters of one of these phrases end, the penalty of the other phrases; 0 if there are none.
        """
        keys = np.array([key_of(pattern) for pattern in patterns], np.int32)
        found = {}
        for letters in {letters_of(pattern) for pattern in patterns}:
            node = self.find(letters.encode())
            first, last = np.searchsorted(self.writer_at, np.array([node or 0, (node or 0) + 1], np.int32))
            gone = np.isin(self.writer_key[first:last], keys)
            if node and gone.any():
                found[node] = float(self.writer_penalty[first:last][~gone].max(initial=0))
        return found

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the arrays by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def __len__(self) -> int:
        """Return the number of nodes, with the root: 1 if there are no patterns."""
        return len(self.label)

    @cached_property
    def levels(self) -> NDArray[np.int32]:
        """The first node of each level, int32 [depth + 1]: nodes are numbered breadth first."""
        return trie.level_starts(self.first_child)

    @cached_property
    def level(self) -> NDArray[np.int32]:
        """Each node's distance from the root, in bytes: int32 [nodes]."""
        return trie.levels(self.first_child)

    @property
    def table(self) -> tuple[NDArray[Any], ...]:
        """The arrays with which text is judged; see `guard.matching.compactkernels.completes`."""
        return self.first_child, self.label, self.fail, self.level, self.word_end

    @cached_property
    def shortest(self) -> int:
        """The length of the shortest pattern in bytes; 0 if there are none."""
        # Nodes are numbered breadth first, so the first node that ends a pattern ends a shortest one.
        return int(self.level[np.argmax(self.word_end > 0)])


def compact_rows(numbered: Iterable[tuple[int, Phrase]]) -> Rows:
    """Return the letters of the phrases that have a compact form. Each phrase is given with the number of its owner."""
    held = [(owner, letters, phrase) for owner, phrase in numbered if (letters := phrase.compact)]
    return Rows.of([(letters.encode(), key_of(phrase.pattern), phrase.penalty, owner) for owner, letters, phrase in held])


def key_of(pattern: str) -> int:
    """Return what tells a pattern from others with the same letters."""
    return zlib.crc32(pattern.encode()) & 0x7FFFFFFF


def _writers(
    rows: Rows, first: NDArray[np.int64], ends: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """Return the node, the key and the penalty of each pattern of a phrase, by node.

    Args:
        rows: The letters of the phrases.
        first: int64 [letters]; the first row of each phrase's letters, each once.
        ends: int32 [letters]; the node of these letters.
    """
    if not len(rows):
        return ends, rows.tag, rows.penalty
    new = np.zeros(len(rows), np.bool_)
    new[first] = True
    index = np.cumsum(new) - 1
    new[1:] |= rows.tag[1:] != rows.tag[:-1]
    pairs = np.flatnonzero(new)
    nodes = ends[index[pairs]]
    by_node = np.argsort(nodes, kind="stable")
    return nodes[by_node], rows.tag[pairs][by_node], np.maximum.reduceat(rows.penalty, pairs)[by_node]


@dataclass(frozen=True, eq=False)
class Letters:
    """The letters of a vocabulary's tokens, sorted.

    Attributes:
        text: uint8 [bytes]; the letters of each token, in ascending order.
        start: int64 [tokens + 1]; where each token begins in `text`, and where the last one ends.
        order: int64 [tokens]; the token ids in this order.
        gap: uint8 [bytes]; whether a space or dot precedes the byte in its token. It is not defined for a token's first byte.
    """

    text: NDArray[np.uint8]
    start: NDArray[np.int64]
    order: NDArray[np.int64]
    gap: NDArray[np.uint8]

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> Letters:
        """Take the letters out of a vocabulary's folded tokens, except those in which a sentence ends."""
        letters = vocabulary.folded.without(trie.SPACE).without(trie.DOT)
        order = letters.order()
        order = order[~np.isin(order, vocabulary.breaking)]
        ordered, spaced = letters.take(order), vocabulary.folded.take(order).data
        gaps = (spaced == trie.SPACE) | (spaced == trie.DOT)
        at = np.flatnonzero(~gaps)
        # For a token's first letter this reads the end of another token, but nothing asks for a gap there.
        gap = np.zeros(len(at), np.uint8)
        gap[1:] = gaps[at[1:] - 1]
        return cls(ordered.data, ordered.start, order, gap)


class CompactMasks:
    """The tokens that would complete a phrase by its letters, for each open path; computed when they are first needed."""

    def __init__(self, automaton: CompactAutomaton, vocabulary: Vocabulary, letters: Letters, capacity: int = 1 << 20) -> None:
        self.automaton = automaton
        self.vocabulary = vocabulary
        self.letters = letters
        self._cache: BanCache[int] = BanCache(capacity)
        self._tight: BanCache[int] = BanCache(capacity)
        # bool [nodes]: the nodes that are known to continue nothing, which a step can skip.
        self.silent = np.zeros(len(automaton), np.bool_)

    @property
    def depth(self) -> int:
        """The length of the longest pattern in bytes."""
        # Nodes are numbered breadth first, so no node is deeper than the last.
        return int(self.automaton.level[-1])

    def continuing(self, path: int) -> Ban:
        """Return the ids of tokens whose letters continue the path to node `path` to the end of a phrase."""
        known = self._cache.get(path)
        if known is None:
            a, tokens = self.automaton, self.letters
            at, penalties = compactkernels.continuations(
                a.first_child, a.label, a.word_end, path, tokens.text, tokens.start, tokens.gap
            )
            known = (Ban.of(tokens.order[at], penalties),)
            self._cache.put(path, known)
            self.silent[path] = not len(known[0])
        return known[0]

    def tight(self, path: int) -> Ban:
        """Return the same without the tokens that begin with a space."""
        known = self._tight.get(path)
        if known is None:
            known = (self.continuing(path).without(self.vocabulary.spacing),)
            self._tight.put(path, known)
        return known[0]

    def breaking(self, node: int, begun: int, spaced: int) -> Ban:
        """Return which of the tokens in which a sentence ends complete a phrase in a state of the cursor."""
        a, (text, start) = self.automaton, self.vocabulary.broken
        state = (node, np.uint64(begun), spaced)
        hits = [
            compactkernels.completes(a.first_child, a.label, a.fail, a.level, a.word_end, *state, text[first:last])
            for first, last in pairwise(start.tolist())
        ]
        found = np.array(hits, np.float32)
        at = np.flatnonzero(found)
        return Ban.of(self.vocabulary.breaking[at], found[at])

    @cached_property
    def within(self) -> Ban:
        """The ids of tokens that contain a whole phrase behind one of their spaces. They are banned in every state."""
        a, v = self.automaton, self.vocabulary
        hits = compactkernels.within(a.first_child, a.label, a.word_end, v.text, v.start, a.shortest)
        at = np.flatnonzero(hits)
        return Ban.of(v.order[at], hits[at])

    @cached_property
    def texts_within(self) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]:
        """The ids `within`, ascending, and the texts of the tokens one after the other with their beginnings."""
        return self.vocabulary.texts(self.within)


class CompactCursor:
    """The state of one sequence in compact matching; see `guard.matching.compactkernels`."""

    __slots__ = ("begun", "masks", "node", "spaced")

    def __init__(self, masks: CompactMasks, at_start: bool) -> None:
        """Start a sequence. `at_start`: whether its first letter begins a word."""
        self.masks = masks
        self.node = 0
        self.begun = 0
        self.spaced = int(at_start)

    def read(self, folded: NDArray[np.uint8]) -> None:
        """Read folded text, uint8 [bytes]."""
        a = self.masks.automaton
        node, begun, spaced = compactkernels.advance(
            a.first_child, a.label, a.fail, self.node, np.uint64(self.begun), self.spaced, folded
        )
        self.node, self.begun, self.spaced = int(node), int(begun), int(spaced)

    def bans(self) -> list[Ban]:
        """Return the ids that would now complete a phrase. The parts may share ids."""
        a, masks = self.masks.automaton, self.masks
        paths = compactkernels.open_paths(a.fail, a.level, self.node, np.uint64(self.begun), self.spaced).tolist()
        ends = compactkernels.may_end_sentence(np.uint64(self.begun), self.spaced)
        parts = [masks.tight(path) if ends and path else masks.continuing(path) for path in paths]
        if len(masks.vocabulary.breaking):
            parts.append(masks.breaking(self.node, self.begun, self.spaced))
        return [part for part in [*parts, masks.within] if len(part)]

    def pending(self, pending: bytes, last: str) -> list[Ban]:
        """Return the ids that would complete a phrase in the middle of a character.

        Args:
            pending: The bytes of the character that have been read.
            last: The end of the folded text; see `guard.folding.StreamFolder`.
        """
        v = self.masks.vocabulary
        parts = [part.without(v.continuing) for part in self.bans()]
        hits = np.zeros(len(v.continuing), np.float32)
        for k, token in enumerate(v.continuing):
            folded = StreamFolder(last, pending).feed(v.raw[token])
            hits[k] = compactkernels.completes(*self.masks.automaton.table, *self.state, np.frombuffer(folded, np.uint8))
        at = np.flatnonzero(hits)
        return [part for part in [*parts, Ban.of(v.continuing[at], hits[at])] if len(part)]

    @property
    def state(self) -> tuple[int, np.uint64, int]:
        """The state for the kernels: node, begun, spaced."""
        return self.node, np.uint64(self.begun), self.spaced
