"""Boundaries: where the sentences of an answer begin, while it is still being written.

An answer that must not go on is cut where a sentence begins. A list item, a row of a table, a line of code, a heading and a line
of verse count as sentences. White space belongs to the sentence before it, except the indentation of a line.

A boundary is never taken back, so each is certain before it counts. That takes the first character of the next sentence, because
"approx." ends none before a small letter. What marks and abbreviations mean is the knowledge of `classifiers.reading.sentences`.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from classifiers.reading.sentences import CLOSERS, FULL_STOPS, LONG_LINE, ends_sentence

# The characters kept of both ends of a word, so that a word of any length costs time in proportion to its length.
_KEPT = 16
_STOPS = frozenset(FULL_STOPS)
_MARKS = _STOPS | frozenset(".!?\u2026")
_CLOSING = frozenset(CLOSERS.replace("\\", ""))
# Closers that do not also open something, so that they belong to what is before them even behind a space.
_ONLY_CLOSING = _CLOSING - frozenset("\"'*_\u2019")
# Abbreviations before a capital letter or a number; before a small letter no sentence begins anyway. Initials, closed up, too.
_ABBREVIATED = re.compile(
    r"\W*(?:(?:[^\W\d_]\.)+|(?:abb|al|approx|art|bd|ca|capt|cf|ch|col|dra?|eds?|fig|gen|gov|hon|lt|messrs|mt|op|pp?|pres|rep|rev"
    r"|sec|sen|sgt|tab|univ|vols?)\.)",
    re.I,
)
_FOOTNOTES = re.compile(r"(?:\[\d{1,3}\])+$")
_ITEM = re.compile(
    r"[*_]{0,2}(?:[-+*\u2013\u2014]$|[\u2022\u2023\u25e6\u25aa\u25cf\u00b7\u2460-\u2473]|\d{1,3}(?:[.)](?!\d)|\u3001)"
    r"|[\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d\u5341]{1,3}\u3001|\(?(?:[^\W\d_]|\d{1,3}|[ivx]{1,4})\)|[a-z]\.$"
    r"|[ivx]{1,4}\.$)"
)
_HEADING = re.compile(r"#{1,6}$")
_FENCE = re.compile(r"(`{3,}|~{3,})[^`]*$")


class _Line(Enum):
    """What a line is: prose, an item of a list, or a line that is a sentence by itself."""

    PROSE = auto()
    ITEM = auto()
    WHOLE = auto()


class Boundaries:
    """Finds the boundaries of a text that arrives in pieces, in time proportional to the text.

    Attributes:
        starts: The offsets at which a sentence certainly begins, in ascending order, 0 first.
    """

    def __init__(self) -> None:
        """Start a text."""
        self.starts = [0]
        self._length = 0
        self._begun = False  # whether there has been a word
        self._fence = ""  # the fence of the code that has been opened
        # The line.
        self._line_at = 0
        self._kind = _Line.PROSE
        self._longest = 0  # characters of the line before
        self._newlines = 1  # behind the last word
        # The sentence: whether its first letter is a capital one (None: it has none yet), and whether its last word may end it.
        self._capital: bool | None = None
        self._ended = False
        # The word: what is kept of it, where it begins, whether it is the first one of its line, whether it is open if the line
        # goes on with the sentence before, and whether a full stop has ended a sentence in it.
        self._head = self._tail = ""
        self._leads = True
        self._open = self._stopped = False

    @property
    def settled(self) -> int:
        """How many characters are complete sentences that nothing that follows can join."""
        return self.starts[-1]

    def feed(self, text: str) -> None:
        """Read the next piece of the text, of any size."""
        for character in text:
            if character.isspace():
                if self._head:
                    self._end_word()
                if character == "\n":
                    if not self._newlines:
                        self._longest = self._length - self._line_at
                    self._newlines += 1
                    self._line_at = self._length + 1
            else:
                if not self._head:
                    self._begin_word(character)
                elif self._stopped:
                    self._behind_stop(character)
                self._head = self._head if len(self._head) == _KEPT else self._head + character
                self._tail = self._tail[-_KEPT + 1 :] + character
                if character in _STOPS:
                    self._stopped = True
                if self._capital is None and character.isalpha():
                    self._capital = not character.islower()
            self._length += 1

    def finish(self) -> None:
        """Decide what the end of the text has left open, as if the last word were complete. Nothing may be fed afterwards."""
        if self._head:
            self._end_word()

    def _begin(self, at: int) -> None:
        """Begin a sentence."""
        if at > self.starts[-1]:
            self.starts.append(at)
        self._capital = None
        self._ended = False

    def _begin_word(self, character: str) -> None:
        if self._newlines:
            self._leads = True
            if self._begun and not self._may_wrap(character):
                self._begin(self._line_at)
            else:
                self._open = self._begun
            self._begun = True
        elif self._kind is _Line.PROSE and self._ended and not self._joins(character):
            self._begin(self._length)
        self._newlines = 0

    def _may_wrap(self, character: str) -> bool:
        """Return whether a line that begins with this character may go on with the sentence of the line before."""
        before = self._kind
        if self._fence or before is _Line.WHOLE or self._newlines > 1 or self._longest < LONG_LINE:
            return False
        if self._ended:
            return self._joins(character)
        indented = self._length > self._line_at
        return character.islower() or ((character.isupper() or character.isdigit()) and (before is _Line.PROSE or indented))

    def _joins(self, character: str) -> bool:
        """Return whether a word that begins with this character goes on with a sentence that a mark seems to have ended."""
        if character in _ONLY_CLOSING or character in _MARKS:
            return True
        # Who writes no capital letters begins sentences with small ones.
        return character.islower() and self._capital is not False

    def _behind_stop(self, character: str) -> None:
        """Begin a sentence in the middle of a word, behind a full stop that needs no white space."""
        if character in _CLOSING or character in _MARKS:
            return
        self._stopped = False
        quoted = self._tail[-1] in "\u300d\u300f" and character == "\u3068"  # what somebody said, in Japanese
        if self._kind is _Line.PROSE and not self._open and not quoted:
            self._begin(self._length)
            self._head = self._tail = ""
            self._leads = False

    def _end_word(self) -> None:
        head, tail = self._head, self._tail
        if self._leads:
            kind = self._kind_of(head)
            if self._open and kind is _Line.PROSE:
                kind = self._kind  # the line goes on with the one before
            elif self._open:
                self._begin(self._line_at)
                self._capital = next((not letter.islower() for letter in head if letter.isalpha()), None)
            self._kind = kind
            # Behind the mark of a quotation the line may be anything.
            self._leads = head == ">" * len(head)
        elif tail == "|":
            self._kind = _Line.WHOLE
        self._open = False
        if not (self._ended and all(letter in _CLOSING or letter in _MARKS for letter in tail)):
            word = _FOOTNOTES.sub("", tail)
            self._ended = ends_sentence(word) and not (len(head) < _KEPT and _ABBREVIATED.fullmatch(word))
        self._head = self._tail = ""
        self._stopped = False

    def _kind_of(self, head: str) -> _Line:
        """Return what a line with this first word is. The fences of code open and close."""
        if self._fence:
            if head == self._fence[0] * len(head) and len(head) >= len(self._fence):
                self._fence = ""
            return _Line.WHOLE
        if fence := _FENCE.match(head):
            self._fence = fence[1]
            return _Line.WHOLE
        if head[0] == "|" or _HEADING.match(head):
            return _Line.WHOLE
        return _Line.ITEM if _ITEM.match(head) else _Line.PROSE


def sentence_starts(text: str) -> list[int]:
    """Return where the sentences of a whole text begin, as offsets in characters; 0 first.

    They are those that `Boundaries` finds in a text that goes on, and one more if only the end of the text says so.
    """
    boundaries = Boundaries()
    boundaries.feed(text)
    boundaries.finish()
    return boundaries.starts


def settled(text: str) -> int:
    """Return how many characters of a text that still grows are complete sentences; see `Boundaries.settled`."""
    boundaries = Boundaries()
    boundaries.feed(text)
    return boundaries.settled
