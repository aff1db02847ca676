"""How a text writes its words: with a capital, at the beginning of a sentence, in quotation marks, beside which words.

Folding removes all this. The classifier of names needs it where it found a name that is also an ordinary word.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Container, Iterable
from functools import cached_property

from classifiers.reading.language import language_of
from guard.folding import fold_character
from guard.forms.names import TITLES
from guard.frequency import english_words
from guard.stopwords import COMMON_WORDS

_WORD = re.compile(r"[A-Za-z0-9]+")
_STOPS = re.compile(r"[.!?:;\u2026\u00bf\u00a1\u3002\uff01\uff1f\r\n]")
_SPACE = re.compile(r"\s+")
_DOT = re.compile(r"\.? *")
_QUOTES = "\"'`\u00ab\u00bb\u2018\u2019\u201a\u201c\u201d\u201e\u2039\u203a\u300c\u300d\u300e\u300f"
_OPENING = re.compile(rf"(?:^|[\s(\[{{\u2014\u2013-])[{_QUOTES}]$")
_CLOSING = re.compile(rf"^[.,!?]?[{_QUOTES}]")
# Words that Title Case writes in small letters.
_SMALL_WORDS = """
    a an the and but or nor for of in on at to by with from as vs via de la le du des der die das el y et und
"""
_SMALL = frozenset(_SMALL_WORDS.split())
_ARTICLES = frozenset(["a", "an", "the"])
# Words beside a title or a name that are no part of it. German writes them with a capital.
_KIND_WORDS = """
    film movie novel book song album series show game videogame painting play opera band poem story musical anime manga trilogy
    saga roman buch lied serie spiel videospiel bild kinofilm oper gedicht fernsehserie autor autorin regisseur part season
    episode chapter volume vol teil staffel folge kapitel ii iii iv vi vii
"""
_KINDS = frozenset(_KIND_WORDS.split())
_INITIALS = frozenset(["initials", "initialen", "initiales", "iniciales", "iniziali", "iniciais"])
# German writes nouns with a capital. After these one is no part of the name behind it ("die Telefonfirma Nokia").
_GERMAN_ARTICLES = """
    der die das des dem den ein eine einer eines einem einen vom zum zur im am beim ans ins mein dein sein ihr unser euer
    meine deine seine ihre unsere eure dieser diese dieses diesem diesen
"""
_BEFORE_NOUNS = frozenset(_GERMAN_ARTICLES.split())
# Words that join the words of a title, and the most of them in a row.
_LINKS = frozenset(["a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "the", "to", "with"])
_MOST_LINKS = 3
_ASKING = frozenset(["call", "describe", "explain", "give", "hello", "hi", "know", "please", "say", "talk", "tell", "write"])


# Capitals each with a dot behind it: an abbreviation, or the initials of a person.
_DOTTED = re.compile(r"(?<![\w.])(?:[A-Z]\.){2,}(?!\w)")


def closed_initials(text: str) -> str:
    """Return a text with abbreviations without their dots ("W.H.O.")."""
    return _DOTTED.sub(lambda found: found[0].replace(".", ""), text)


class Written:
    """The words of a text, in the order and number of its folded words, and how they are written."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._spans = list(_spans(text))
        self.words = [word for word, _, _ in self._spans]
        """The folded words."""

    @cached_property
    def _ends(self) -> list[int]:
        """The offset in UTF-8 at which each word ends in the words joined by single spaces."""
        ends, at = [], 0
        for word in self.words:
            at += len(word.encode("utf-8", "surrogatepass"))
            ends.append(at)
            at += 1
        return ends

    def range_at(self, end: int, words: int) -> range:
        """Return the numbers of the last `words` words up to the byte `end` of the folded words joined by single spaces."""
        last = min(bisect_left(self._ends, end), len(self.words) - 1)
        return range(last - words + 1, last + 1)

    @cached_property
    def says_names(self) -> bool:
        """Whether capitals tell names here: some words have one, and some have none to which Title Case gives one."""
        capitals = any(self.capital(number) for number in range(len(self.words)))
        return capitals and any(
            self._text[begin].islower() and word not in _SMALL
            for number, (word, begin, _) in enumerate(self._spans)
            if len(word) > 1 and not self._joined(number)
        )

    @cached_property
    def small(self) -> bool:
        """Whether no word begins with a capital."""
        return not any(self.capital(number) for number in range(len(self.words)))

    def capital(self, number: int) -> bool:
        """Return whether a word begins with a capital."""
        return self._text[self._spans[number][1]].isupper()

    def upper(self, number: int) -> bool:
        """Return whether a word has no small letter."""
        _, begin, end = self._spans[number]
        return self._text[begin:end].isupper()

    def begins(self, number: int) -> bool:
        """Return whether a word begins a sentence, a line or a quotation, where a capital says nothing."""
        if number == 0:
            return True
        gap = self.gap(number)
        if _OPENING.search(gap):
            return True
        before = self.words[number - 1]
        stop = _STOPS.search(gap)
        return stop is not None and not (stop[0] == "." and (len(before) == 1 or before in TITLES))

    def quoted(self, first: int, end: int) -> bool:
        """Return whether the words from `first` to before `end` are alone in quotation marks, the first one with a capital."""
        opens = _OPENING.search(" " + self.gap(first) if first == 0 else self.gap(first))
        return opens is not None and _CLOSING.search(self.gap(end)) is not None and self.capital(first)

    def alone(self, first: int, end: int) -> bool:
        """Return whether the line says next to nothing but the words from `first` to before `end`, without "a" before them.

        Next to nothing are function words, single letters, and words that ask ("tell", "explain").
        """
        begin, stop = first, end
        while begin and "\n" not in self.gap(begin):
            begin -= 1
        while stop < len(self.words) and "\n" not in self.gap(stop):
            stop += 1
        others = (self.words[number] for number in range(begin, stop) if not first <= number < end)
        common = first > begin and self.words[first - 1] in ("a", "an")
        return not common and all(len(word) < 2 or word in COMMON_WORDS or word in _ASKING for word in others)

    def mean_somebody(self, place: range) -> bool:
        """Return whether a word that people bear as a name, or the initials of one, may be one here.

        An ordinary English word is none where it has no capital, or one that is due to its place. Initials are in capitals.
        """
        if len(place) > 1:
            return all(map(self.capital, place)) and not self._go_on(place)
        [number] = place
        word = self.words[number]
        if word in english_words():
            return self.says_names and self.capital(number) and not self.begins(number)
        return self.small or self.capital(number)

    def by_initials(self, place: range) -> bool:
        """Return whether these words are several single letters, and the text calls them initials."""
        return len(place) > 1 and not _INITIALS.isdisjoint(self.words) and all(len(self.words[number]) == 1 for number in place)

    def _go_on(self, place: range) -> bool:
        """Return whether initials have one more before them, or a surname behind them ("M. D. Anderson")."""
        before, after = place.start - 1, place.stop
        if before >= 0 and len(self.words[before]) == 1 and self.capital(before) and not _SPACE.fullmatch(self.gap(place.start)):
            return True
        return after < len(self.words) and self.capital(after) and _DOT.fullmatch(self.gap(after)) is not None

    def in_longer_name(self, first: int, end: int, own: Container[str], weak: bool) -> bool:
        """Return whether the words from `first` to before `end` are beside a word of somebody else's longer name.

        Such a word has a capital that is not due to its place, only white space is between, and it is neither a title ("Dr") nor
        the kind of a work ("Roman") nor a word of the target. Ordinary words may also be joined to one by small words, as in
        titles: behind them to another ordinary word ("Up in the Air"), before them, by "of", to any ("William of Orange").

        Args:
            first: The number of the first word.
            end: The number of the word after the last one.
            own: Folded words that occur in texts of the target.
            weak: Whether the words are ordinary, so that an ordinary word before them may belong to the name ("When").
        """
        if self.beside(end) and self._of_other(end, own, weak):
            return True
        if self.beside(first) and self._of_other(first - 1, own, weak) and not self._german_noun(first - 1):
            return True
        return weak and (self._goes_on(end, own) or self._went_before(first, own))

    def _goes_on(self, end: int, own: Container[str]) -> bool:
        """Return whether small words and then an ordinary word with a capital follow: no name of a place or a person."""
        number = end
        while self.beside(number) and self.words[number] in _LINKS and not self.capital(number) and number - end < _MOST_LINKS:
            number += 1
        return number > end and self.beside(number) and self._is_titled(number, own) and self.words[number] in english_words()

    def _went_before(self, first: int, own: Container[str]) -> bool:
        """Return whether a word with a capital, and then "of" or "of the" are before."""
        number = first
        if self.beside(number) and self.words[number - 1] == "the" and not self.capital(number - 1):
            number -= 1
        if not self.beside(number) or self.words[number - 1] != "of" or not self.beside(number - 1):
            return False
        return self._is_titled(number - 2, own) and not self.begins(number - 2)

    def _is_titled(self, number: int, own: Container[str]) -> bool:
        """Return whether a word is written as in a title, and is no word of the target."""
        word = self.words[number]
        return len(word) > 1 and self.capital(number) and not self.upper(number) and word not in own and word not in _KINDS

    def _of_other(self, number: int, own: Container[str], weak: bool) -> bool:
        word = self.words[number]
        if len(word) < 2 or not self.capital(number) or word in TITLES or word in _KINDS or word in _ARTICLES:
            return False
        if word in COMMON_WORDS:
            # A target's texts have any function word, so these do not make it its own.
            return weak and not self.begins(number)
        return word not in own and not (self.begins(number) and word in english_words())

    def _german_noun(self, number: int) -> bool:
        """Return whether a word is a noun of a German text by the article before it."""
        return self.beside(number) and self.words[number - 1] in _BEFORE_NOUNS and language_of(self._text) == "de"

    def beside(self, number: int) -> bool:
        """Return whether nothing but white space of one line is between a word and the one before it."""
        return 0 < number < len(self.words) and bool(gap := self.gap(number)) and gap.isspace() and "\n" not in gap

    def _joined(self, number: int) -> bool:
        """Return whether a word is an ending after an apostrophe or hyphen."""
        return number > 0 and self.gap(number) in ("'", "\u2019", "-")

    def gap(self, number: int) -> str:
        """Return what is between a word and the one before it; after the last word, the next three characters."""
        begin = self._spans[number - 1][2] if number else 0
        return self._text[begin : self._spans[number][1]] if number < len(self._spans) else self._text[begin : begin + 3]


def _spans(text: str) -> Iterable[tuple[str, int, int]]:
    """Yield the folded words, each with its first and last (exclusive) character in `text`."""
    if text.isascii():
        for found in _WORD.finditer(text):
            yield found[0].lower(), found.start(), found.end()
        return
    word, begin, end = "", 0, 0
    for at, character in enumerate(text):
        for part in fold_character(character):
            if part in " .":
                if word:
                    yield word, begin, end
                    word = ""
            else:
                begin = begin if word else at
                word += part
                end = at + 1
    if word:
        yield word, begin, end
