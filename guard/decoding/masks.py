"""Masks: for each state of the automaton, the token ids that would complete a phrase.

A phrase that a token completes began either before the token or within it. In the first case, what has been said of the phrase is
the path to one of the nodes on the state's failure chain. So the banned ids of a state are the union of

- for each node of the chain, the tokens that continue the node's path to the end of a phrase (`continuations`), and
- the tokens that contain a whole phrase (`hits` from the root), which are the same for all states.

Each part is computed once and cached. `guard/DESIGN.md` says why a step costs so little.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from guard.ban import Ban, BanCache
from guard.decoding.excusing import Excusing
from guard.folding import StreamFolder
from guard.matching import gapkernels, kernels
from guard.matching.automaton import ROOT, Automaton, descend
from guard.matching.compact import CompactMasks, Letters
from guard.matching.exceptions import Exceptions
from guard.matching.gaps import GapCursor, GapMasks, GapState
from guard.restriction import Restriction
from guard.tokens.vocabulary import Vocabulary


class Masks:
    """The banned ids of each state of one automaton over one vocabulary, computed when they are first needed.

    Args:
        automaton: The restriction's exact automaton.
        vocabulary: The vocabulary.
        capacity: How many ids to keep; 2^21 take 16 MiB. The least recently used parts are dropped first.
        compact: The masks of the restriction's compact phrases, if it has any.
        exceptions: The restriction's exceptions, if it has any.
        gaps: The masks of the restriction's names with gaps, if it has any.
    """

    def __init__(
        self,
        automaton: Automaton,
        vocabulary: Vocabulary,
        capacity: int = 1 << 21,
        compact: CompactMasks | None = None,
        exceptions: Exceptions | None = None,
        gaps: GapMasks | None = None,
    ) -> None:
        self.automaton = automaton
        self.vocabulary = vocabulary
        self.compact = compact
        self.gaps = gaps
        self.excusing = Excusing(exceptions, automaton, vocabulary) if exceptions else None
        # What sets of allowed texts change; see `guard.decoding.allowing`.
        self.views: OrderedDict[frozenset[str], Any] = OrderedDict()
        # By node, its own continuations only: the rest of a state's chain is in the entries of other nodes. By state behind a
        # dot, all but `within`.
        self._nodes: BanCache[int] = BanCache(capacity)
        # bool [nodes]: the nodes that are known to continue nothing, which a step can skip.
        self.silent = np.zeros(len(automaton), np.bool_)
        self._middles: BanCache[tuple[int, bytes]] = BanCache(capacity)
        self._excused: BanCache[int] = BanCache(capacity)

    @classmethod
    def of(
        cls,
        restriction: Restriction,
        vocabulary: Vocabulary,
        letters: Letters | None = None,
        capacity: int = 1 << 21,
    ) -> Masks:
        """Build the masks of a restriction.

        Args:
            restriction: The restriction.
            vocabulary: The vocabulary.
            letters: The vocabulary's letters, if they are known already.
            capacity: How many ids to keep.
        """
        compact = None
        if len(restriction.compact) > 1:
            compact = CompactMasks(restriction.compact, vocabulary, letters or Letters.of(vocabulary), capacity)
        gaps = GapMasks(restriction.gaps, vocabulary, capacity) if restriction.gaps else None
        return cls(restriction.automaton, vocabulary, capacity, compact, restriction.exceptions, gaps)

    def prepare(self) -> None:
        """Compute what each sequence needs in its first step, so that no request has to wait for it."""
        self.at(self.automaton.start)
        if self.compact:
            self.compact.within  # noqa: B018
            self.compact.continuing(ROOT)
        if self.gaps:
            self.gaps.inner, self.gaps.always  # noqa: B018

    @property
    def depth(self) -> int:
        """How many bytes before the end of the text a phrase may have begun, spaces not counted."""
        return max(part.depth for part in (self.automaton, self.compact, self.gaps) if part)

    def at(self, state: int, pending: bytes = b"") -> list[Ban]:
        """Return the bans in a state of the automaton. The parts may share ids.

        Args:
            state: The state.
            pending: The bytes of an unfinished character behind it.
        """
        if pending:
            return list(self._pending(state, pending))
        if self.excusing and self.excusing.concerns(state):
            return list(self.excused(state))
        return [part for part in [*self._parts(state), self.within] if len(part)]

    def _parts(self, state: int) -> list[Ban]:
        if state >= len(self.automaton):
            return list(self.behind_dot(state))
        return [self.continuing(n) for n in self.automaton.chain(state)[:-1]]

    def excused(self, state: int) -> tuple[Ban, ...]:
        """Return all bans in a state in which an exception has been begun."""
        assert self.excusing
        known = self._excused.get(state)
        if known is None:
            parts = self.unexcused(state)
            known = (self.excusing.bans(state, Ban.merged(parts) if parts else Ban.none()), *self.inflected(state))
            self._excused.put(state, known)
        return known

    def inflected(self, state: int) -> list[Ban]:
        """Return the bans of tokens with which an excused name with one more word in it gets an ending.

        An exception is its own text. The name with an ending is another text, but for the gaps the name has been said.
        """
        assert self.excusing
        texts = self.excusing.ended(state) if self.gaps else []
        if not self.gaps or not texts:
            return []
        a, folded, ids = self.gaps.automaton, self.vocabulary.folded, self.excusing.carried
        worst = np.zeros(len(ids), np.float32)
        for text in texts:
            cursor = GapCursor(self.gaps, at_start=True)
            cursor.read(np.frombuffer(text[:-1], np.uint8))
            for at, token in enumerate(ids.tolist()):
                said = np.frombuffer(text[-1:] + folded[token], np.uint8)
                hit = gapkernels.completes(a.first_child, a.label, *a.ends, *cursor.state, said)
                worst[at] = max(worst[at], hit)
        found = np.flatnonzero(worst)
        return [Ban.of(ids[found], worst[found])] if len(found) else []

    def unexcused(self, state: int) -> list[Ban]:
        """Return the bans in a state without what the exceptions change that have been begun in it."""
        return [part for part in [*self._parts(state), self._all_within] if len(part)]

    @cached_property
    def texts_within(self) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]:
        """The ids of tokens that contain a whole phrase, ascending, and their texts one after the other with their beginnings."""
        return self.vocabulary.texts(self._all_within)

    def gapped(self, state: int, ban: Ban, at: GapState, pending: bytes = b"") -> Ban:
        """Return the ban of names with gaps, less what exceptions excuse.

        Args:
            state: The state of the exact automaton.
            ban: The ban.
            at: The state in the names with gaps.
            pending: The bytes of an unfinished character behind it.
        """
        return self.excusing.gapped(state, ban, self.gaps.automaton, at, pending) if self.excusing and self.gaps else ban

    @cached_property
    def within(self) -> Ban:
        """The ids of tokens that contain a whole phrase. They are banned in every state in which no exception has been begun."""
        return self.excusing.outside(self._all_within, b"") if self.excusing else self._all_within

    @cached_property
    def _all_within(self) -> Ban:
        v = self.vocabulary
        found = self._hits(ROOT, v.text, v.start, self.automaton.shortest)
        at = np.flatnonzero(found)
        return Ban.of(v.order[at], found[at])

    def continuing(self, node: int) -> Ban:
        """Return the ids of tokens that continue the path to `node` to the end of a phrase."""
        known = self._nodes.get(node)
        if known is None:
            known = (self._continuations(node),)
            self._nodes.put(node, known)
            self.silent[node] = not len(known[0])
        return known[0]

    def behind_dot(self, state: int) -> tuple[Ban, ...]:
        """Return the bans besides `within` in a state behind a dot: a space that follows ends the sentence."""
        known = self._nodes.get(state)
        if known is None:
            v = self.vocabulary
            plain, ended = self.automaton.behind_dot(state)
            tight = [self.continuing(n).without(v.spacing) for n in self.automaton.chain(plain)[:-1]]
            spaced = [self.continuing(n).only(v.spacing) for n in self.automaton.chain(ended)[:-1]]
            parts = [part.without(v.breaking) for part in [*tight, *spaced]]
            known = tuple(part for part in [*parts, self._breaking(state)] if len(part))
            self._nodes.put(state, known)
        return known

    def _continuations(self, node: int) -> Ban:
        a = self.automaton
        ids, penalties = descend(a.first_child, a.label, a.ends, node, self.vocabulary)
        hits = self._broken_hits(node)
        at = np.flatnonzero(hits)
        ban = Ban.of(np.concatenate([ids, self.vocabulary.breaking[at]]), np.concatenate([penalties, hits[at]]))
        return self.excusing.outside(ban, a.said(node)) if self.excusing else ban

    def _breaking(self, state: int) -> Ban:
        """Return which of the tokens in which a sentence ends complete a phrase from `state`."""
        hits = self._broken_hits(state)
        at = np.flatnonzero(hits)
        ban = Ban.of(self.vocabulary.breaking[at], hits[at])
        return self.excusing.outside(ban, self.automaton.said(state)) if self.excusing else ban

    def _broken_hits(self, state: int) -> NDArray[np.float32]:
        return self._hits(state, *self.vocabulary.broken)

    def _hits(self, state: int, text: NDArray[np.uint8], start: NDArray[np.int64], shortest: int = 0) -> NDArray[np.float32]:
        found: NDArray[np.float32] = kernels.hits(*self.automaton.paths, *self.automaton.ends, state, text, start, shortest)
        return found

    def _pending(self, state: int, pending: bytes) -> tuple[Ban, ...]:
        known = self._middles.get((state, pending))
        if known is not None:
            return known
        a, v = self.automaton, self.vocabulary
        # A token that does not continue the character makes it invalid, and an invalid character adds nothing.
        parts = [part.without(v.continuing) for part in self.at(state)]
        hits = np.zeros(len(v.continuing), np.float32)
        for k, token in enumerate(v.continuing):
            folder = StreamFolder(a.last(state), pending)
            hits[k] = a.completes(state, np.frombuffer(folder.feed(v.raw[token]), np.uint8))
        at = np.flatnonzero(hits)
        middle = Ban.of(v.continuing[at], hits[at])
        if self.excusing:
            middle = self.excusing.inside(state, pending, middle)
        known = tuple(part for part in [*parts, middle] if len(part))
        self._middles.put((state, pending), known)
        return known
