"""Gaps: finds names with one more word in between, as `guard.form.Form.gap` allows it."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from guard.ban import Ban, BanCache
from guard.folding import StreamFolder
from guard.form import Form
from guard.matching import gapkernels, trie
from guard.matching.automaton import Bytes, Nodes, Penalties, descend, ending_tables
from guard.matching.patterns import ENDING, WORD, Patterns, rows_of
from guard.matching.rows import Rows
from guard.phrase import Phrase
from guard.tokens.vocabulary import Vocabulary

GapState = tuple[NDArray[np.int32], NDArray[np.uint8], int, int, int]
"""The state of one sequence; see `guard.matching.gapkernels`."""

_MIDDLE = 32
"""The bytes that the additional word may have in the end of a prompt."""
_SEVERAL = re.compile(rb"(?<=[^ .])[ .]+([^ .])|\. ([^ .])")


def gapped_rows(numbered: Iterable[tuple[int, Phrase]]) -> Rows:
    """Return the patterns of the forms into which one more word may come. Each phrase is given with the number of its owner."""
    return rows_of((owner, phrase) for owner, phrase in numbered if isinstance(phrase, Form) and phrase.gaps)


@dataclass(frozen=True, eq=False)
class GapAutomaton:
    """Compiled names; immutable. The arrays are those of `guard.matching.kernels`, without failure links."""

    first_child: Nodes
    label: Bytes
    word_end: Penalties
    ending: Penalties
    e_child: Nodes
    e_label: Bytes
    e_stop: NDArray[np.bool_]

    def __post_init__(self) -> None:
        for array in self.arrays().values():
            array.setflags(write=False)

    @classmethod
    def build(cls, phrases: Sequence[Phrase]) -> GapAutomaton:
        """Compile those of `phrases` that are forms with a gap."""
        return cls.of_rows(gapped_rows(enumerate(phrases)))

    @classmethod
    def of_rows(cls, rows: Rows) -> GapAutomaton:
        """Compile the patterns of names, which are `gapped_rows`."""
        patterns = Patterns.of_rows(rows)
        first_child, label, _, at = trie.build_trie(patterns.text, patterns.start)
        word_end, ending = np.zeros(len(label), np.float32), np.zeros(len(label), np.float32)
        word_end[at], ending[at] = patterns.ends[WORD], patterns.ends[ENDING]
        return cls(first_child, label, word_end, ending, *ending_tables())

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the arrays by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def __len__(self) -> int:
        """Return the number of nodes, with the root: 1 if there are no names."""
        return len(self.label)

    @cached_property
    def words(self) -> NDArray[np.uint8]:
        """The number of spaces on each node's path, uint8 [nodes]."""
        words: NDArray[np.uint8] = trie.word_counts(self.first_child, self.label)
        words.setflags(write=False)
        return words

    @property
    def ends(self) -> tuple[NDArray[np.generic], ...]:
        """The arrays that say where names end; see `guard.matching.kernels`."""
        return self.word_end, self.ending, self.e_child, self.e_label, self.e_stop


class GapMasks:
    """The tokens that would complete a name with one more word in it, for each thread; computed when they are first needed."""

    def __init__(self, automaton: GapAutomaton, vocabulary: Vocabulary, capacity: int = 1 << 20) -> None:
        self.automaton = automaton
        self.vocabulary = vocabulary
        self._cache: BanCache[tuple[int, int]] = BanCache(capacity)
        # bool [nodes]: the nodes that are known to continue nothing.
        self.silent = np.zeros(len(automaton), np.bool_)

    @cached_property
    def depth(self) -> int:
        """How many bytes before the end of a text a name may have begun, spaces not counted."""
        return int(trie.levels(self.automaton.first_child)[-1]) + _MIDDLE

    @cached_property
    def several(self) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]:
        """The ids of tokens of several words that may matter, and their texts one after the other with their beginnings."""
        a, v = self.automaton, self.vocabulary
        spaces = np.flatnonzero(a.label == trie.SPACE)
        begins = {int(a.label[c]) for node in spaces.tolist() for c in range(a.first_child[node], a.first_child[node + 1])}
        found = [token for token in range(len(v)) if any(ord(a or b) in begins for a, b in _SEVERAL.findall(v.folded[token]))]
        ids = np.array(found, np.int64)
        taken = v.folded.take(ids)
        return ids, taken.data, taken.start

    @cached_property
    def always(self) -> NDArray[np.float32]:
        """The penalties of the tokens `several` in a state without threads, float32 [tokens]."""
        a, (_, text, start) = self.automaton, self.several
        state = np.zeros(gapkernels.THREADS, np.int32), np.zeros(gapkernels.THREADS, np.uint8), 0, trie.BRIEF + 1, 0
        found = [
            gapkernels.completes(a.first_child, a.label, *a.ends, *state, text[first:last]) for first, last in pairwise(start)
        ]
        return np.array(found, np.float32)

    @cached_property
    def inner(self) -> NDArray[np.int64]:
        """The runs of spaces and dots between letters in each of the tokens `several`, int64 [tokens]."""
        texts = [self.vocabulary.folded[token].decode() for token in self.several[0].tolist()]
        return np.array([len(re.findall("[^ .]+", text)) - 1 for text in texts], np.int64)

    def continuing(self, node: int, kind: int, tight: bool = False) -> Ban:
        """Return the ids of tokens of which a thread says that they complete a name.

        Args:
            node: The thread's node.
            kind: PASSED or PASSING (`guard.matching.gapkernels`). Other threads complete nothing within a word.
            tight: Whether a space would end a sentence.
        """
        known = self._cache.get((node, 2 * kind + tight))
        if known is None:
            v = self.vocabulary
            ban = self._continuations(node).without(self.several[0])
            if kind == gapkernels.PASSING:
                ban = ban.only(v.gapped)
            known = (ban.without(v.spacing) if tight else ban,)
            self._cache.put((node, 2 * kind + tight), known)
            if kind == gapkernels.PASSED and not tight:
                self.silent[node] = not len(ban)
        return known[0]

    def _continuations(self, node: int) -> Ban:
        a = self.automaton
        never = np.zeros(len(a), np.float32)
        return Ban.of(*descend(a.first_child, a.label, (never, *a.ends), node, self.vocabulary))


class GapCursor:
    """The state of one sequence; see `guard.matching.gapkernels`."""

    __slots__ = ("count", "gap", "kinds", "letters", "masks", "nodes")

    def __init__(self, masks: GapMasks, at_start: bool) -> None:
        """Start a sequence. `at_start`: whether its first letter begins a word."""
        a = masks.automaton
        self.masks = masks
        self.nodes = np.zeros(gapkernels.THREADS, np.int32)
        self.kinds = np.zeros(gapkernels.THREADS, np.uint8)
        self.count = int(gapkernels.begin(a.first_child, a.label, self.nodes, self.kinds)) if at_start else 0
        self.letters, self.gap = (0, 1) if at_start else (trie.BRIEF + 1, 0)

    def copy(self) -> GapCursor:
        """Return a cursor in the same state, which moves by itself."""
        other = copy.copy(self)
        other.nodes, other.kinds = self.nodes.copy(), self.kinds.copy()
        return other

    def read(self, folded: NDArray[np.uint8]) -> None:
        """Read folded text, uint8 [bytes]."""
        a = self.masks.automaton
        state = gapkernels.advance(a.first_child, a.label, *self.state, folded)
        self.count, self.letters, self.gap = map(int, state)

    @property
    def state(self) -> GapState:
        """The state for the kernels."""
        return self.nodes, self.kinds, self.count, self.letters, self.gap

    def bans(self) -> list[Ban]:
        """Return the ids that would now complete a name with one more word in it. The parts may share ids."""
        masks, tight = self.masks, self.gap == 2 and self.letters > trie.BRIEF
        threads = zip(self.nodes[: self.count].tolist(), self.kinds[: self.count].tolist(), strict=True)
        parts = [masks.continuing(node, kind, tight) for node, kind in threads if kind in (gapkernels.PASSING, gapkernels.PASSED)]
        ids, text, start = masks.several
        if len(ids):
            a = masks.automaton
            hits = gapkernels.hits(a.first_child, a.label, *a.ends, *self.state, text, start, masks.inner, masks.always)
            at = np.flatnonzero(hits)
            parts.append(Ban.of(ids[at], hits[at]))
        return [part for part in parts if len(part)]

    def pending(self, pending: bytes, last: str) -> list[Ban]:
        """Return the ids that would complete a name in the middle of a character; the arguments are those of `CompactCursor`."""
        a, v = self.masks.automaton, self.masks.vocabulary
        hits = np.zeros(len(v.continuing), np.float32)
        for k, token in enumerate(v.continuing):
            folded = np.frombuffer(StreamFolder(last, pending).feed(v.raw[token]), np.uint8)
            hits[k] = gapkernels.completes(a.first_child, a.label, *a.ends, *self.state, folded)
        at = np.flatnonzero(hits)
        parts = [part.without(v.continuing) for part in self.bans()] + [Ban.of(v.continuing[at], hits[at])]
        return [part for part in parts if len(part)]
