"""Masks: for each state of the automaton, the token ids that would complete a phrase.

A phrase that a token completes began either before the token or within it. In the first case, what has been said of the phrase is
the path to one of the nodes on the state's failure chain. So the banned ids of a state are the union of

- for each node of the chain, the tokens that continue the node's path to the end of a phrase (`continuations`), and
- the tokens that contain a whole phrase (`root_hits`), which are the same for all states.

Each part is computed once and cached. `guard/DESIGN.md` says why a step costs so little.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from guard.ban import Ban, BanCache
from guard.errors import RestrictionError
from guard.folding import StreamFolder
from guard.matching import kernels
from guard.matching.automaton import ROOT, Automaton
from guard.matching.compact import CompactMasks, Letters
from guard.meaning.semantic import SemanticMasks
from guard.meaning.wordvectors import WordVectors
from guard.restriction import Restriction
from guard.tokens.vocabulary import Vocabulary


class Masks:
    """The banned ids of each state of one automaton over one vocabulary, computed when they are first needed.

    Args:
        automaton: The restriction's exact automaton.
        vocabulary: The vocabulary.
        capacity: How many ids to keep; 2^21 take 16 MiB. The least recently used parts are dropped first.
        compact: The masks of the restriction's compact phrases, if it has any.
        semantic: The masks of its anchors, if it has any.
    """

    def __init__(
        self,
        automaton: Automaton,
        vocabulary: Vocabulary,
        capacity: int = 1 << 21,
        compact: CompactMasks | None = None,
        semantic: SemanticMasks | None = None,
    ) -> None:
        self.automaton = automaton
        self.vocabulary = vocabulary
        self.compact = compact
        self.semantic = semantic
        # By node, its own continuations only. The rest of a state's chain is in the entries of other nodes.
        self._nodes: BanCache[int] = BanCache(capacity)
        # bool [nodes]: the nodes that are known to continue nothing, which a step can skip.
        self.silent = np.zeros(len(automaton), np.bool_)
        self._middles: BanCache[tuple[int, bytes]] = BanCache(capacity)

    @classmethod
    def of(
        cls,
        restriction: Restriction,
        vocabulary: Vocabulary,
        letters: Letters | None = None,
        capacity: int = 1 << 21,
        words: WordVectors | None = None,
    ) -> Masks:
        """Build the masks of a restriction.

        Args:
            restriction: The restriction.
            vocabulary: The vocabulary.
            letters: The vocabulary's letters, if they are known already.
            capacity: How many ids to keep.
            words: The vocabulary's word vectors. A restriction with anchors needs them.

        Raises:
            RestrictionError: If the restriction has anchors and `words` are missing or of another encoder.
        """
        semantic = None
        if restriction.anchors:
            if words is None:
                raise RestrictionError("the restriction has anchors, but no word vectors to compare with them were given")
            semantic = SemanticMasks(restriction.anchors, words, vocabulary)
        compact = None
        if len(restriction.compact) > 1:
            compact = CompactMasks(restriction.compact, vocabulary, letters or Letters.of(vocabulary), capacity)
        return cls(restriction.automaton, vocabulary, capacity, compact, semantic)

    def prepare(self) -> None:
        """Compute what each sequence needs in its first step, so that no request has to wait for it."""
        self.at(self.automaton.start)
        if self.compact:
            self.compact.within  # noqa: B018
            self.compact.continuing(ROOT)
        if self.semantic:
            self.semantic.ban, self.semantic.bare  # noqa: B018

    @property
    def depth(self) -> int:
        """How many bytes before the end of the text a phrase may have begun, spaces not counted."""
        return max(self.automaton.depth, self.compact.depth if self.compact else 0)

    def at(self, node: int, pending: bytes = b"") -> list[Ban]:
        """Return the bans in state `node`. The parts may share ids.

        Args:
            node: The state.
            pending: The bytes of an unfinished character behind it.
        """
        if pending:
            return list(self._pending(node, pending))
        parts = [self.continuing(n) for n in self.automaton.chain(node)[:-1]]
        return [part for part in [*parts, self.within] if len(part)]

    @cached_property
    def within(self) -> Ban:
        """The ids of tokens that contain a whole phrase. They are banned in every state."""
        a, v = self.automaton, self.vocabulary
        hits = kernels.root_hits(a.first_child, a.label, a.fail, a.open_end, a.word_end, v.text, v.start, a.shortest)
        at = np.flatnonzero(hits)
        return Ban.of(v.order[at], hits[at])

    def continuing(self, node: int) -> Ban:
        """Return the ids of tokens that continue the path to `node` to the end of a phrase."""
        known = self._nodes.get(node)
        if known is None:
            known = (self._continuations(node),)
            self._nodes.put(node, known)
            self.silent[node] = not len(known[0])
        return known[0]

    def _continuations(self, node: int) -> Ban:
        a, v = self.automaton, self.vocabulary
        # Behind a space, a token's own leading space adds nothing, so such tokens are read from their second byte on.
        entries = [(v.empty, len(v), 0)] if a.label[node] != kernels.SPACE else [(v.spaced, len(v), 0), (v.empty, v.spaced, 1)]
        ids, penalties = [], []
        for low, high, depth in entries:
            ranges, worst = kernels.continuations(
                a.first_child, a.label, a.open_end, a.word_end, node, v.text, v.start, low, high, depth
            )
            for (first, last), penalty in zip(ranges.tolist(), worst.tolist(), strict=True):
                ids.append(v.order[first:last])
                penalties.append(np.full(last - first, penalty, np.float32))
        if not ids:
            return Ban.of(np.empty(0, np.int64), np.empty(0, np.float32))
        return Ban.of(np.concatenate(ids), np.concatenate(penalties))

    def _pending(self, node: int, pending: bytes) -> tuple[Ban, ...]:
        known = self._middles.get((node, pending))
        if known is not None:
            return known
        a, v = self.automaton, self.vocabulary
        # A token that does not continue the character makes it invalid, and an invalid character reads as a space.
        after_space = int(kernels.step(a.first_child, a.label, a.fail, node, kernels.SPACE))
        parts = [part.without(v.continuing) for part in self.at(after_space)]
        hits = np.zeros(len(v.continuing), np.float32)
        for k, token in enumerate(v.continuing):
            folder = StreamFolder(last_space=bool(a.label[node] == kernels.SPACE), pending=pending)
            hits[k] = a.completes(node, np.frombuffer(folder.feed(v.raw[token]), np.uint8))
        at = np.flatnonzero(hits)
        known = tuple(part for part in [*parts, Ban.of(v.continuing[at], hits[at])] if len(part))
        self._middles.put((node, pending), known)
        return known
