"""The follower: reads the text of an answer as it arrives, and says which part of its end may yet become a phrase.

A server that streams holds that part back. It works on text, while `guard.decoding` works on tokens, and it reads the same
automata in the same way. Exceptions are part of their tries and count as begun, too: an answer may say "Potter" only if it goes
on to "Potter Stewart", so a server must wait for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from guard.folding import ASCII, fold_character
from guard.forms.names import TITLES
from guard.matching import followkernels, gapkernels
from guard.matching.automaton import ROOT, Automaton
from guard.matching.compact import CompactAutomaton
from guard.matching.gaps import GapAutomaton
from guard.matching.trie import parent_of

_LETTERS_KEPT, _WORDS_KEPT = 64, 16
# Initials and titles, and the white space behind one, have at most this many characters.
_TITLED = 64
_TITLE_BEGINNINGS = frozenset(title[:size] for title in TITLES for size in range(1, len(title) + 1))
# Letters that are words by themselves at the beginning of a sentence, and so are no initials without a dot.
_WORDS = frozenset("AIOEY")
_MOST_INITIALS = 3
_BLANKS = " \t\u00a0\u202f"
_COUNTED = np.arange(256)


class Compiled(Protocol):
    """What a follower reads of a `guard.restriction.Restriction`."""

    @property
    def automaton(self) -> Automaton:
        """The exact automaton."""

    @property
    def compact(self) -> CompactAutomaton:
        """The automaton that reads letters alone."""

    @property
    def gaps(self) -> GapAutomaton | None:
        """The names into which one more word may come."""


class Follower:
    """Follows one answer for some restrictions.

    A phrase is begun if the end of the text is a beginning of it, from the beginning of a word unless it is a substring, and more
    text could complete it, word by word, letter by letter, or with one more word in a name.

    Attributes:
        length: The characters read so far.
        begun: How many characters at the end of the text may yet become a phrase, from the first letter of the longest phrase
            that is begun; 0 if none is. Initials and titles directly before that letter are part of it, and so are those at the
            end of the text, where a name may follow. `length - begun` never gets smaller, so what a server has sent never needs
            to be taken back.
    """

    __slots__ = ("_bytes_at", "_kept", "_letters_at", "_progress", "_readers", "_words_at", "begun", "length", "restrictions")

    def __init__(self, restrictions: Sequence[Compiled]) -> None:
        """Start an answer. The time and the memory do not depend on the number of phrases, once the tables are made."""
        self.restrictions = tuple(restrictions)
        self.length = self.begun = 0
        self._readers = [_Reader(restriction) for restriction in self.restrictions]
        deepest = max((len(r.automaton.levels) for r in self.restrictions), default=1)
        self._bytes_at = np.ones(1 << deepest.bit_length(), np.int64)
        self._letters_at = np.zeros(_LETTERS_KEPT, np.int64)
        self._words_at = np.zeros(_WORDS_KEPT, np.int64)
        # A text begins as if behind a space, which counts as a byte.
        self._progress = np.array([followkernels.GAP, 1, 0, 0])
        self._kept = ""

    def feed(self, text: str) -> None:
        """Read the next piece of the answer, of any size."""
        if not text:
            return
        raw, source = _folded(text)
        folded = np.empty(len(raw), np.uint8)
        where = self._progress, self._bytes_at, self._letters_at, self._words_at
        folded = folded[: followkernels.merge(raw, source, self.length, *where, folded)]
        self.length += len(text)
        start = min((reader.read(folded, where) for reader in self._readers), default=followkernels.NOTHING)
        self._kept += text
        self._hold(min(int(start), self.length))

    def _hold(self, start: int) -> None:
        """Set `begun`, given where the longest phrase begins; the text's end if none does."""
        kept = self._kept
        base = self.length - len(kept)
        first = min(_named(kept, max(start - base, 0)), _named(kept, _unfinished(kept))) + base if kept else start
        self.begun = self.length - min(first, start)
        if len(kept) > self.begun + 16 * _TITLED:
            self._kept = kept[len(kept) - self.begun - 8 * _TITLED :]

    def hit(self) -> int:
        """Return how many characters at the end of the text go if what they were about to say is a phrase.

        These are `begun`, which is exact; or if nothing is begun the last word, unless something follows it.
        """
        if self.begun:
            return self.begun
        return len(self._kept) - _word_start(self._kept, len(self._kept), self.length)

    def completions(self, limit: int = 8) -> list[str]:
        """Return the patterns (`guard.Phrase.pattern`) of phrases that the end of the text has begun.

        Those of which most has been said come first. A phrase that only its letters have begun comes without spaces. A text in
        which a shorter phrase ends may be among them, if a longer phrase begins with it.

        Args:
            limit: The most patterns.
        """
        begun = sorted((found for reader in self._readers for found in reader.begun()), key=lambda one: -one[0])
        patterns: dict[str, None] = {}
        closed: set[str] = set()
        for _, table, node in begun:
            for pattern in table.ends_below(node, limit):
                letters = pattern.replace(" ", "").replace(".", "")
                if letters != pattern or letters not in closed:
                    patterns[pattern] = None
                closed.add(letters)
            if len(patterns) >= limit:
                break
        return list(patterns)[:limit]

    def copy(self) -> Follower:
        """Return a follower that has read the same text."""
        other = Follower(self.restrictions)
        other.length, other.begun, other._kept = self.length, self.begun, self._kept
        for name in ("_bytes_at", "_letters_at", "_words_at", "_progress"):
            setattr(other, name, getattr(self, name).copy())
        other._readers = [reader.copy() for reader in self._readers]
        return other

    def restarted(self, text: str) -> Follower:
        """Return a new follower for the same restrictions that has read `text`: what is left of an answer that is taken back."""
        other = Follower(self.restrictions)
        other.feed(text)
        return other


class _Trie:
    """A trie whose paths can be followed to the ends of patterns."""

    __slots__ = ("ends", "first_child", "label")

    def __init__(self, first_child: NDArray[np.int32], label: NDArray[np.uint8], ends: tuple[NDArray[np.float32], ...]) -> None:
        self.first_child, self.label, self.ends = first_child, label, tuple(end for end in ends if len(end))

    def path(self, node: int) -> bytes:
        """Return the path to a node."""
        path = bytearray()
        while node != ROOT:
            path.append(self.label[node])
            node = parent_of(self.first_child, node)
        return bytes(reversed(path))

    def ends_below(self, node: int, limit: int) -> Iterator[str]:
        """Yield at most `limit` patterns that are longer than the path to `node` and begin with it."""
        found, stack = 0, self._children(node, self.path(node))
        while stack and found < limit:
            node, path = stack.pop()
            stack += self._children(node, path)
            if any(end[node] > 0 for end in self.ends):
                found += 1
                yield path.decode(errors="replace").strip()

    def _children(self, node: int, path: bytes) -> list[tuple[int, bytes]]:
        first, last = int(self.first_child[node]), int(self.first_child[node + 1])
        return [(child, path + bytes([self.label[child]])) for child in range(last - 1, first - 1, -1)]


class _Reader:
    """The state of the three automata of one restriction."""

    __slots__ = ("_kinds", "_nodes", "_restriction", "_state", "_tables")

    def __init__(self, restriction: Compiled) -> None:
        self._restriction = restriction
        exact, compact, gaps = restriction.automaton, restriction.compact, restriction.gaps or _no_gaps()
        self._tables = (
            *(*exact.paths, exact.levels),
            *(compact.first_child, compact.label, compact.fail, compact.levels),
            *(gaps.first_child, gaps.label, gaps.words),
        )
        self._nodes = np.zeros(gapkernels.THREADS, np.int32)
        self._kinds = np.zeros(gapkernels.THREADS, np.uint8)
        count = gapkernels.begin(gaps.first_child, gaps.label, self._nodes, self._kinds)
        self._state = np.array([exact.start, ROOT, 0, 1, count, 0, 1])

    def read(self, folded: NDArray[np.uint8], where: tuple[NDArray[np.int64], ...]) -> int:
        """Read folded text, uint8 [bytes]; return where the longest begun phrase begins (`followkernels.advance`)."""
        found: int = followkernels.advance(*self._tables, self._state, self._nodes, self._kinds, folded, *where)
        return found

    def copy(self) -> _Reader:
        """Return a reader in the same state."""
        other = _Reader(self._restriction)
        for name in ("_state", "_nodes", "_kinds"):
            setattr(other, name, getattr(self, name).copy())
        return other

    def begun(self) -> Iterator[tuple[int, _Trie, int]]:
        """Yield what is begun: the letters and spaces of it, the trie, the node."""
        state, exact, compact, gaps = self._state, self._restriction.automaton, self._restriction.compact, self._restriction.gaps
        at = int(state[followkernels.EXACT])
        trie = _Trie(exact.first_child, exact.label, (exact.open_end, exact.word_end, exact.ending))
        nodes = [at] if at < len(exact) else exact.behind_dot(at)
        for node in dict.fromkeys(suffix for one in nodes for suffix in exact.chain(one)[:-1]):
            if len(trie.path(node).strip()):
                yield len(trie.path(node)), trie, node
        letters = _Trie(compact.first_child, compact.label, (compact.word_end,))
        node, begun = int(state[followkernels.NODE]), int(state[followkernels.BEGUN])
        while node != ROOT:
            depth = int(followkernels.depth_of(compact.levels, node))
            if begun >> (depth - 1) & 1:
                yield depth, letters, node
            node = int(compact.fail[node])
        if gaps:
            names = _Trie(gaps.first_child, gaps.label, (gaps.word_end,))
            for node in dict.fromkeys(self._nodes[: int(state[followkernels.COUNT])].tolist()):
                if len(names.path(node).strip()):
                    yield len(names.path(node)), names, node


@lru_cache(maxsize=1)
def _no_gaps() -> GapAutomaton:
    return GapAutomaton.build(())


def _folded(text: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the bytes to which the characters of a text fold, one after the other, and the character of each byte."""
    if text.isascii():
        size = len(text)
        counted = _COUNTED[:size] if size <= len(_COUNTED) else np.arange(size)
        return np.frombuffer(text.translate(ASCII).encode(), np.uint8), counted
    parts = [fold_character(character).encode() for character in text]
    return np.frombuffer(b"".join(parts), np.uint8), np.repeat(np.arange(len(parts)), [len(part) for part in parts])


def _word_start(text: str, end: int, most: int = _TITLED) -> int:
    """Return where the word that goes up to `end` begins, at most `most` characters before; `end` itself if none does."""
    first = max(end - most, 0)
    while end > first and text[end - 1].isalnum():
        end -= 1
    return end


def _unfinished(text: str) -> int:
    """Return where an initial or a title begins that the end of a text may have begun; the text's end if it has not."""
    end = len(text)
    start = _word_start(text, end)
    word = text[start:end]
    begun = len(word) == 1 or word.casefold() in _TITLE_BEGINNINGS or _closed_initials(word)
    return start if word[:1].isupper() and begun else end


def _closed_initials(word: str) -> bool:
    """Return whether a word may be initials without dots, such as "JK"."""
    return 2 <= len(word) <= _MOST_INITIALS and word.isupper()


def _named(text: str, at: int) -> int:
    """Return where the run of initials and titles begins that ends directly before `at`; `at` if there is none."""
    closed = False
    while at:
        end, first = at, max(at - _TITLED, 0)
        while end > first and text[end - 1] in _BLANKS:
            end -= 1
        dot = end > 0 and text[end - 1] == "."
        last = end - dot
        start = _word_start(text, last)
        word = text[start:last]
        if not word[:1].isupper() or not (dot or end < at):
            return at
        if len(word) == 1:
            if not dot and word in _WORDS:
                return at
        elif word.casefold() not in TITLES:
            # No more than one, because in a text in capital letters every short word looks like this.
            if dot or closed or not _closed_initials(word):
                return at
            closed = True
        at = start
    return at
