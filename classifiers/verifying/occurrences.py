"""Occurrences: where a text says what a restriction bans, as the mask sees it."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass

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
    """

    begin: int
    end: int


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
        hits = kernels.banned(*a.paths, *a.ends, a.start, np.frombuffer(folded, np.uint8)) if len(a) > 1 else ()
        if not len(hits):
            return []
        # The automaton reads a space before the text.
        text = b" " + folded
        places = _places(text)
        found = []
        if self._exceptions is None:
            for node, kind, end in hits.tolist():
                position = places.index(end + 1)
                for path in self._phrases(node, kind, known):
                    found.append(self._said(text, places[position - int(a.level[path])], end + 1, kind == ENDING))
            return found
        read = scan(a, self._exceptions.own, text)
        for one in read.occurrences:
            if np.isinf(one.penalty) and not _excused(self._exceptions, a, read, one):
                found.append(self._said(text, places[one.begin], places[one.end], one.closed == 1))
        return found

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
            words = 1
            while node:
                words += a.label[node] == _GAPS[0]
                node = int(np.searchsorted(a.first_child, node, side="right")) - 1
            begin = end
            for _ in range(words):
                begin = _word_begin(folded, begin)
            if not self._excepted(folded, begin, end):
                found.append(Said(begin, _word_end(folded, end)))
        return found

    def _excepted(self, folded: bytes, begin: int, end: int) -> bool:
        """Return whether an exception ends at `end` that holds a name with one more word in it, and is said whole."""
        if self._exceptions is None or not self._exceptions.gapped.any():
            return False
        text = b" " + folded
        places = _places(text)
        read = scan(self._automaton, self._exceptions.own, text)
        return any(
            self._exceptions.gapped[index] and places[first] <= begin + 1
            for index, first in _whole(self._exceptions, self._automaton, read, places.index(end + 1))
        )


def _whole(exceptions: Exceptions, automaton: Automaton, read: Scan, position: int) -> Iterator[tuple[int, int]]:
    """Yield the exceptions that are said to their end at a position, each with the position at which it begins."""
    state = read.states[position]
    if state >= len(automaton) or not (read.ended[position] or position + 1 == len(read.states)):
        return
    for node in automaton.chain(state)[:-1]:
        for index in np.flatnonzero(exceptions.ends == node).tolist():
            yield index, position - int(automaton.level[node])


def _excused(exceptions: Exceptions, automaton: Automaton, read: Scan, one: Occurrence) -> bool:
    """Return whether a phrase is inside an exception that is said to its end and excuses the phrase there."""
    return any(
        begin <= one.begin and (one.node, one.closed, one.end - begin) in exceptions.excused[index]
        for position in range(one.end, len(read.states))
        for index, begin in _whole(exceptions, automaton, read, position)
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
