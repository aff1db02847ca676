"""Allowing: what texts that one answer may say change about the bans of a state.

An answer may have to say names that its prompt says (`guard.processors.arguments.ALLOW`). In such an answer, a phrase whose
pattern is that of an allowed text has no occurrences, neither word for word, with an ending or not, nor letter by letter. Every
other phrase remains banned, also one that ends with an allowed text ("author of Harry Potter") or has the same letters. What
contains more than the text remains banned, too: a name with one more word in it, and the beginnings of a phrase that its beta
counts.

The restriction is the same for all answers, so nothing of it is compiled anew. Its nodes know which phrases end at themselves
(`guard.matching.automaton.Automaton.own`). Only a token that completes an allowed text can be banned less than the restriction
says. These few are found with a small automaton of the allowed texts alone, and judged one by one: a compiled loop reads the
token from the state, and looks at the phrases that end at each node of each failure chain.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from guard.ban import Ban, BanCache
from guard.decoding.excusing import Excusing
from guard.decoding.masks import Masks
from guard.folding import StreamFolder
from guard.matching import compactkernels, kernels, trie
from guard.matching.automaton import ROOT, Automaton, descend
from guard.matching.compact import CompactCursor, CompactMasks
from guard.matching.patterns import KIND_OF, KINDS, Patterns, whole_places
from guard.phrase import Phrase

Ids = NDArray[np.int64]

_VIEWS = 64
"""The most sets of allowed texts that one restriction keeps ready. Most requests that follow each other have the same."""
_HELD = 1 << 16
"""How many ids of bans are kept for one set of allowed texts."""


def allowing(masks: Masks, patterns: frozenset[str]) -> Allowing | None:
    """Return what allowed texts change about the bans of a restriction, None if they change nothing.

    Args:
        masks: The restriction's masks.
        patterns: The allowed texts as patterns (`guard.phrase.Phrase.pattern`).
    """
    if not patterns:
        return None
    views: OrderedDict[frozenset[str], Allowing | None] = masks.views
    if patterns not in views:
        views[patterns] = Allowing.of(masks, patterns)
        if len(views) > _VIEWS:
            views.popitem(last=False)
    views.move_to_end(patterns)
    return views[patterns]


def patterns_of(texts: Iterable[str]) -> frozenset[str]:
    """Return the patterns of texts. Raises PhraseError for a text that has no letter or digit, or is too long."""
    return frozenset(Phrase(text, force=True).pattern for text in texts)


class Allowing:
    """Allowed texts under one restriction, of which it holds one at least."""

    def __init__(self, masks: Masks, remaining: Mapping[int, Sequence[float]], compact: Mapping[int, float]) -> None:
        """Prepare the texts.

        Args:
            masks: The restriction's masks.
            remaining: For each node of the exact automaton at which an allowed text ends, the penalties that the phrases which
                end there have without it, by kind.
            compact: The same for the nodes of the compact automaton.
        """
        self._masks = masks
        self._nodes = np.array(list(remaining), np.int32)
        self._remaining = np.array(list(remaining.values()), np.float32).reshape(-1, KINDS)
        self._excusing: Excusing | None = masks.excusing.less(remaining) if masks.excusing and remaining else masks.excusing
        self._exact = _Texts([masks.automaton.path(node) for node in remaining], masks.automaton)
        self._bans: BanCache[tuple[int, bytes]] = BanCache(_HELD)
        self._compact = _CompactTexts(masks.compact, compact) if masks.compact and compact else None

    @classmethod
    def of(cls, masks: Masks, patterns: Collection[str]) -> Allowing | None:
        """Find allowed texts in a restriction. Return None if it holds none of them."""
        automaton, compact = masks.automaton, masks.compact
        gone: dict[int, set[int]] = defaultdict(set)
        for pattern in patterns:
            for path, parts in whole_places(pattern):
                node = automaton.find(path)
                if node is not None and any(automaton.own[node] >> part & 1 for part in parts):
                    gone[node].update(parts)
        remaining = {node: _without(automaton, node, parts) for node, parts in gone.items()}
        closed = compact.automaton.remaining(patterns) if compact else {}
        return cls(masks, remaining, closed) if remaining or closed else None

    def at(self, state: int, pending: bytes = b"") -> list[Ban]:
        """Return the bans in a state of the exact automaton; see `guard.decoding.masks.Masks.at`."""
        if not len(self._nodes):
            return self._masks.at(state, pending)
        known = self._bans.get((state, pending))
        if known is None:
            found = self._inside(state, pending) if pending else self._found(state)
            known = tuple(part for part in found if len(part))
            self._bans.put((state, pending), known)
        return list(known)

    def compact(self, cursor: CompactCursor, pending: bytes = b"", last: str = "") -> list[Ban]:
        """Return the bans in a state of the compact automaton; see `guard.matching.compact.CompactCursor`."""
        if not self._compact:
            return cursor.pending(pending, last) if pending else cursor.bans()
        return self._compact.pending(cursor, pending, last) if pending else self._compact.bans(cursor)

    def _found(self, state: int) -> list[Ban]:
        masks, v = self._masks, self._masks.vocabulary
        whole = self._excusing is not None and self._excusing.concerns(state)
        parts = masks.unexcused(state) if whole else masks.at(state)
        if not parts and not whole:
            return []
        suspects = _union([self._exact.inner(masks), v.breaking, *self._begun(state)])
        judged = self._judged(state, suspects)
        if not self._excusing:
            return _replaced(parts, suspects, judged)
        if whole:
            found = _replaced(parts, suspects, judged)
            return [self._excusing.bans(state, Ban.merged(found) if found else Ban.none()), *masks.inflected(state)]
        own = self._excusing.outside(_penalised(suspects, judged), masks.automaton.said(state))
        return [*(part.without(suspects) for part in parts), own]

    def _begun(self, state: int) -> list[Ids]:
        """Return the tokens that go on with an allowed text that a state has begun to the end of the text."""
        automaton = self._masks.automaton
        states = automaton.behind_dot(state) if state >= len(automaton) else (state,)
        chains = (node for each in states for node in automaton.chain(each)[:-1])
        return [self._exact.following(node, self._masks) for node in chains if node in self._exact.begun]

    def _judged(self, state: int, tokens: Ids) -> NDArray[np.float32]:
        """Return the penalty of what each of the `tokens` completes from a state, but for exceptions."""
        taken = self._masks.vocabulary.folded.take(tokens)
        found: NDArray[np.float32] = kernels.all_left(*self._table, state, taken.data, taken.start)
        return found

    @cached_property
    def _table(self) -> tuple[object, ...]:
        a = self._masks.automaton
        return a.paths, a.ends, a.own, a.lower_at, a.lower, self._nodes, self._remaining

    def _inside(self, state: int, pending: bytes) -> list[Ban]:
        a, v = self._masks.automaton, self._masks.vocabulary
        parts = [part.without(v.continuing) for part in self.at(state)]
        hits = np.zeros(len(v.continuing), np.float32)
        for k, token in enumerate(v.continuing):
            folded = StreamFolder(a.last(state), pending).feed(v.raw[token])
            hits[k] = kernels.left(*self._table, state, np.frombuffer(folded, np.uint8))
        at = np.flatnonzero(hits)
        middle = Ban.of(v.continuing[at], hits[at])
        return [*parts, self._excusing.inside(state, pending, middle) if self._excusing else middle]


class _Texts:
    """The paths of allowed texts as an automaton of their own, in which they end whatever follows."""

    def __init__(self, paths: Sequence[bytes], automaton: Automaton) -> None:
        self._automaton, _ = Automaton.with_ends(Patterns.texts(paths))
        # For each node of the restriction's automaton on the way to one of them, the node of this one.
        self.begun: dict[int, int] = {}
        for path in paths:
            there = here = ROOT
            for byte in path:
                there = int(trie.child(automaton.first_child, automaton.label, there, byte))
                here = int(trie.child(self._automaton.first_child, self._automaton.label, here, byte))
                self.begun[there] = here
        self._following: dict[int, Ids] = {}
        self._inner: Ids | None = None

    def following(self, node: int, masks: Masks) -> Ids:
        """Return the tokens that go on from a node of the restriction's automaton to the end of an allowed text."""
        if node not in self._following:
            a = self._automaton
            self._following[node], _ = descend(a.first_child, a.label, a.ends, self.begun[node], masks.vocabulary)
        return self._following[node]

    def inner(self, masks: Masks) -> Ids:
        """Return the banned tokens that hold a whole allowed text."""
        if self._inner is None:
            tokens, text, start = masks.texts_within
            a = self._automaton
            self._inner = tokens[kernels.hits(*a.paths, *a.ends, ROOT, text, start, a.shortest) > 0]
        return self._inner


class _CompactTexts:
    """Allowed texts in compact matching. `remaining`: see `Allowing`."""

    def __init__(self, masks: CompactMasks, remaining: Mapping[int, float]) -> None:
        self._masks = masks
        self._nodes = np.array(list(remaining), np.int32)
        self._remaining = np.array(list(remaining.values()), np.float32)
        a = masks.automaton
        paths = [a.path(node) for node in remaining]
        patterns = Patterns.texts(paths)
        self._first_child, self._label, _, ends = trie.build_trie(patterns.text, patterns.start)
        self._end = np.zeros(len(self._label), np.float32)
        self._end[ends] = 1
        self._begun: dict[int, int] = {ROOT: ROOT}
        for path in paths:
            there = here = ROOT
            for byte in path:
                there = int(trie.child(a.first_child, a.label, there, byte))
                here = int(trie.child(self._first_child, self._label, here, byte))
                self._begun[there] = here
        self._following: dict[int, Ids] = {}

    def bans(self, cursor: CompactCursor) -> list[Ban]:
        parts, masks, v = cursor.bans(), self._masks, self._masks.vocabulary
        if not parts:
            return []
        a = masks.automaton
        paths = compactkernels.open_paths(a.fail, a.level, *cursor.state).tolist()
        following = [self._after(self._begun[path]) for path in paths if path in self._begun]
        suspects = _union([self._inner, v.breaking, *following])
        taken = v.folded.take(suspects)
        left = (self._nodes, self._remaining, *cursor.state, taken.data, taken.start)
        return _replaced(parts, suspects, compactkernels.all_left(*a.table, *left))

    def pending(self, cursor: CompactCursor, pending: bytes, last: str) -> list[Ban]:
        a, v = self._masks.automaton, self._masks.vocabulary
        parts = [part.without(v.continuing) for part in self.bans(cursor)]
        hits = np.zeros(len(v.continuing), np.float32)
        for k, token in enumerate(v.continuing):
            folded = np.frombuffer(StreamFolder(last, pending).feed(v.raw[token]), np.uint8)
            hits[k] = compactkernels.left(*a.table, self._nodes, self._remaining, *cursor.state, folded)
        at = np.flatnonzero(hits)
        return [part for part in [*parts, Ban.of(v.continuing[at], hits[at])] if len(part)]

    def _after(self, node: int) -> Ids:
        """Return the tokens whose letters go on from a node of the texts to the end of one."""
        if node not in self._following:
            tokens = self._masks.letters
            at, _ = compactkernels.continuations(
                *(self._first_child, self._label, self._end, node, tokens.text, tokens.start, tokens.gap)
            )
            self._following[node] = tokens.order[at]
        return self._following[node]

    @cached_property
    def _inner(self) -> Ids:
        tokens, text, start = self._masks.texts_within
        return tokens[compactkernels.within(self._first_child, self._label, self._end, text, start, 0) > 0]


def _without(automaton: Automaton, node: int, parts: set[int]) -> list[float]:
    """Return the penalties that the phrases which end at a node itself have without these parts, by kind."""
    left = [0.0] * KINDS
    for part, penalty in enumerate(automaton.own_penalties(node)):
        if part not in parts:
            left[KIND_OF[part]] = max(left[KIND_OF[part]], penalty)
    return left


def _union(ids: Sequence[Ids]) -> Ids:
    return np.unique(np.concatenate(ids))


def _replaced(parts: Sequence[Ban], tokens: Ids, penalties: NDArray[np.float32]) -> list[Ban]:
    """Return bans with other penalties for these `tokens`, int64 [n], ascending."""
    replaced = [part.without(tokens) for part in parts] + [_penalised(tokens, penalties)]
    return [part for part in replaced if len(part)]


def _penalised(tokens: Ids, penalties: NDArray[np.float32]) -> Ban:
    found = np.flatnonzero(penalties)
    return Ban.of(tokens[found], penalties[found])
