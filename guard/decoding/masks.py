"""Masks: for a state of the automaton, the token ids that would complete a phrase.

A phrase that is being said when a token is appended began either before the token, and then its beginning is the path to one of
the nodes on the state's failure chain, or within the token. So the banned ids of a state are the union of

- for each node of the chain, the tokens that continue the node's path to the end of a phrase (`continuations`), and
- the tokens that hold a whole phrase (`root_hits`), the same for all states.

Each part is found once and cached; see `guard/DESIGN.md` for why this costs a step so little.
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
    """The banned ids of every state of one automaton over one vocabulary, found when first asked for.

    At most `capacity` ids are kept, 2^21 (16 MiB) unless told; the least recently used parts are dropped first. `compact` are
    the masks of the same restriction's compact phrases, `semantic` those of its anchors, if it has any.
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
        # Of a state's bans only its own continuations are stored; the rest of its chain is other nodes' entries.
        self._nodes: BanCache[int] = BanCache(capacity)
        # bool [nodes]: known to continue nothing, so that a step can pass over the node.
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
        """Build the masks of a restriction; `letters` and `words` are the vocabulary's, if they are known already.

        Raises RestrictionError if the restriction has anchors and `words` are not given, or are another encoder's.
        """
        semantic = None
        if restriction.anchors:
            if words is None:
                raise RestrictionError("the restriction has anchors, but there are no word vectors to compare with them")
            semantic = SemanticMasks(restriction.anchors, words, vocabulary)
        compact = None
        if len(restriction.compact) > 1:
            compact = CompactMasks(restriction.compact, vocabulary, letters or Letters.of(vocabulary), capacity)
        return cls(restriction.automaton, vocabulary, capacity, compact, semantic)

    def prepare(self) -> None:
        """Find now what every sequence's first step needs, so that no request has to wait for it."""
        self.at(self.automaton.start)
        if self.compact:
            self.compact.within  # noqa: B018
            self.compact.continuing(ROOT)
        if self.semantic:
            self.semantic.ban, self.semantic.bare  # noqa: B018

    @property
    def depth(self) -> int:
        """How many bytes of letters back a phrase may have begun."""
        return max(self.automaton.depth, self.compact.depth if self.compact else 0)

    def at(self, node: int, pending: bytes = b"") -> list[Ban]:
        """Return the bans in state `node`, with `pending` the bytes of a character that is not complete yet.

        The parts may share ids.
        """
        if pending:
            return list(self._pending(node, pending))
        parts = [self.continuing(n) for n in self.automaton.chain(node)[:-1]]
        return [part for part in [*parts, self.within] if len(part)]

    @cached_property
    def within(self) -> Ban:
        """The ids that hold a whole phrase: banned in every state."""
        a, v = self.automaton, self.vocabulary
        hits = kernels.root_hits(a.first_child, a.label, a.fail, a.open_end, a.word_end, v.text, v.start, a.shortest)
        at = np.flatnonzero(hits)
        return Ban.of(v.order[at], hits[at])

    def continuing(self, node: int) -> Ban:
        """Return the ids that continue the path to this node to the end of a phrase."""
        known = self._nodes.get(node)
        if known is None:
            known = (self._continuations(node),)
            self._nodes.put(node, known)
            self.silent[node] = not len(known[0])
        return known[0]

    def _continuations(self, node: int) -> Ban:
        a, v = self.automaton, self.vocabulary
        # After a space, a token's own leading space adds nothing: such tokens are read from their second byte on.
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
        # A token that does not continue the character ends it as an invalid one, which reads as a space.
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
