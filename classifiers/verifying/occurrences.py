"""Occurrences: where a text says what a restriction bans, as the mask sees it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from classifiers.verifying import kernels
from guard.matching.automaton import ROOT, Automaton
from guard.matching.exceptions import Exceptions, Occurrence, Scan, scan
from guard.matching.patterns import ENDING, OPEN, WORD
from guard.restriction import Restriction

_GAPS = b" ."


@dataclass(frozen=True, slots=True)
class Said:
    """A banned phrase in a folded text.

    Attributes:
        begin, end: Where, in bytes of the folded text, an ending included.
        words: The phrase's own words; None if these are what is said there.
    """

    begin: int
    end: int
    words: tuple[str, ...] | None = None


class Search:
    """Searches folded texts for what one restriction bans.

    A penalised phrase may be said, so penalties do not count. Neither does a phrase inside an exception that is said to its end.
    """

    def __init__(self, restriction: Restriction) -> None:
        self._automaton = restriction.automaton
        self._compact = restriction.compact
        self._gaps = restriction.gaps
        self._exceptions = restriction.exceptions

    def words(self, folded: bytes, known: Set[bytes] = frozenset()) -> list[Said]:
        """Return the phrases that are said word for word.

        The automaton does not say of each node whether a phrase ends there or only a shorter one. So of several phrases that end
        at one place, this returns the shortest one, and others if they are certain.

        Args:
            folded: The folded text.
            known: Patterns of phrases, which makes these certain.
        """
        a = self._automaton
        if len(a) == 1:
            return []
        hits = kernels.banned(*a.paths, *a.ends, a.start, np.frombuffer(folded, np.uint8))
        if not len(hits):
            return []
        # The automaton reads a space before the text.
        text = b" " + folded
        places = _places(text)
        if self._exceptions is not None:
            read = scan(a, self._exceptions.own, text)
            whole = list(_whole(self._exceptions, a, read))
            return [
                self._said(text, places[one.begin], places[one.end], one.closed == 1)
                for one in read.occurrences
                if np.isinf(one.penalty) and not _is_excused(self._exceptions, whole, one)
            ]
        position = {place: index for index, place in enumerate(places)}
        return [
            self._said(text, places[position[end + 1] - int(a.level[path])], end + 1, kind == ENDING)
            for node, kind, end in hits.tolist()
            for path in self._phrases(node, kind, known)
        ]

    @staticmethod
    def _said(text: bytes, begin: int, end: int, ending: bool) -> Said:
        while text[begin] in _GAPS:
            begin += 1
        return Said(begin - 1, (_word_end(text, end) if ending else end) - 1)

    def _phrases(self, node: int, kind: int, known: Set[bytes]) -> Iterator[int]:
        """Yield the nodes of the phrases that end at a node, longest first."""
        a = self._automaton
        ends = {OPEN: a.open_end, WORD: a.word_end, ENDING: a.ending}[kind]
        while node != ROOT and np.isinf(ends[node]):
            shorter = int(a.fail[node])
            leaf = a.first_child[node] == a.first_child[node + 1]
            if leaf or not np.isinf(ends[shorter]) or (known and a.path(node).lstrip() in known):
                yield node
            node = shorter

    def letters(self, folded: bytes, anywhere: bool = False) -> list[Said]:
        """Return the phrases whose letters are said, whatever is between them.

        Args:
            folded: The folded text.
            anywhere: Whether a phrase may begin and end inside a word.
        """
        a = self._compact
        if len(a) == 1:
            return []
        text = np.frombuffer(folded, np.uint8)
        found = kernels.compact_banned(a.first_child, a.label, a.fail, a.level, a.word_end, anywhere, text)
        return [Said(begin, end) for begin, end in found.tolist()]

    def gapped(self, folded: bytes) -> list[Said]:
        """Return the names that are said with one more word in them."""
        a = self._gaps
        if a is None:
            return []
        found = []
        for node, end in kernels.gap_banned(a.first_child, a.label, *a.ends, np.frombuffer(folded, np.uint8)).tolist():
            path = bytearray()
            while node:
                path.append(a.label[node])
                node = int(np.searchsorted(a.first_child, node, side="right")) - 1
            words = tuple(bytes(reversed(path)).decode().split())
            begin = end
            for _ in range(len(words) + 1):
                begin = _word_begin(folded, begin)
            if not self._excepts_gap(folded, begin, end):
                found.append(Said(begin, _word_end(folded, end), words))
        return found

    def _excepts_gap(self, folded: bytes, begin: int, end: int) -> bool:
        """Return whether an exception ends at `end` that holds a name with one more word in it, and is said whole."""
        if self._exceptions is None or not self._exceptions.gapped.any():
            return False
        text = b" " + folded
        places = _places(text)
        read = scan(self._automaton, self._exceptions.own, text)
        return any(
            self._exceptions.gapped[one.exception] and places[one.begin] <= begin + 1 and places[one.end] == end + 1
            for one in _whole(self._exceptions, self._automaton, read)
        )


class _Whole(NamedTuple):
    """An exception that is said to its end: which, and the positions at which it begins and ends."""

    exception: int
    begin: int
    end: int


def _whole(exceptions: Exceptions, automaton: Automaton, read: Scan) -> Iterator[_Whole]:
    """Yield the exceptions that are said to their end."""
    ends: dict[int, list[int]] = {}
    for index, node in enumerate(exceptions.ends.tolist()):
        ends.setdefault(node, []).append(index)
    last = len(read.states) - 1
    for position, state in enumerate(read.states):
        if state < len(automaton) and (read.ended[position] or position == last):
            for node in automaton.chain(state)[:-1]:
                for index in ends.get(node, ()):
                    yield _Whole(index, position - int(automaton.level[node]), position)


def _is_excused(exceptions: Exceptions, whole: Sequence[_Whole], one: Occurrence) -> bool:
    """Return whether a phrase is inside an exception that is said to its end and excuses the phrase there."""
    return any(
        found.begin <= one.begin
        and one.end <= found.end
        and (one.node, one.closed, one.end - found.begin) in exceptions.excused[found.exception]
        for found in whole
    )


def _word_end(text: bytes, at: int) -> int:
    while at < len(text) and text[at] not in _GAPS:
        at += 1
    return at


def _word_begin(text: bytes, at: int) -> int:
    while at and text[at - 1] in _GAPS:
        at -= 1
    while at and text[at - 1] not in _GAPS:
        at -= 1
    return at


def _places(text: bytes) -> list[int]:
    """Return the offset behind each position of a pattern, as `guard.matching.exceptions.scan` counts them.

    A run of spaces and dots is one position.
    """
    places = [0]
    gap = False
    for at, byte in enumerate(text):
        if byte in _GAPS and gap:
            places[-1] = at + 1
        else:
            places.append(at + 1)
        gap = byte in _GAPS
    return places
