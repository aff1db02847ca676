"""Spans: the parts of a text that look like a title, a name, a place, a date or a number.

The module uses no language model, only quotation marks, capital letters, preceding words, and the forms of dates and numbers. In
scripts without capitals it uses only quotation marks and digits.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from guard.folding import fold
from guard.stopwords import COMMON_WORDS

Kind = Literal["title", "name", "place", "date", "number"]

_LONGEST_TITLE = 14
_LONGEST_RUN = 10

_QUOTED = re.compile(
    r"\"([^\"\n]{2,160})\""
    r"|[\u201c\u201e]([^\u201c\u201d\n]{2,160})[\u201c\u201d]"
    r"|\u00ab\s?([^\u00bb\n]{2,160}?)\s?\u00bb"
    r"|[\u300a\u300c\u300e]([^\u300b\u300d\u300f\n]{2,160})[\u300b\u300d\u300f]"
    # A single quotation mark may also be an apostrophe, which has a letter on both sides.
    r"|(?<!\w)['\u2018]((?:[^'\u2018\u2019\n]|['\u2019](?=\w)){2,160})['\u2019](?!\w)"
)
# Texts also name the title, the subtitle and the series in brackets by themselves.
_TITLE_PARTS = re.compile(r"\s*(?:[:;()\[\]]|,?\s*#\d+|\s[\u2013\u2014-]\s)\s*")

_WORD = re.compile(r"[^\W\d_](?:[^\W_]|[-'\u2019](?=[^\W_]))*\.?")
_CONNECTING_WORDS = "of de la le du des del della di da dos das do von van der den bin ibn al el for y e"
_CONNECTING = frozenset(_CONNECTING_WORDS.split())
_ARTICLES = frozenset({"the", "la", "los", "las", "der"})  # between a connecting word and a capital
_LOCATIVE = re.compile(r"\b(?:in|at|from|near|to|across|around|outside|nach|aus|en|\u00e0|desde)\s+(?:the\s+)?$", re.IGNORECASE)
_POSSESSIVE = re.compile(r"['\u2019][sS]?$")
_SMALL_WORD = re.compile(r" ([a-z]+)")
_GAP = re.compile(r"[ \u00a0]&?[ \u00a0]?")

_MONTH_NAMES = "january february march april may june july august september october november december"
_MONTHS = _MONTH_NAMES.split()
# The whole name of a month or its first three letters; also "Sept".
_MONTH = r"(?P<month{0}>" + "|".join(f"{month[:3]}(?:{month[3:]})?" for month in _MONTHS) + r"|sept)\b\.?"
_YEAR = r"(?:1\d{3}|20\d{2})"
_DAY = r"(?P<day{0}>\d{{1,2}})(?:st|nd|rd|th)?"
_THEN_YEAR = rf"(?:,?\s+(?:of\s+|in\s+the\s+year\s+)?(?P<year{{0}}>{_YEAR.replace('{', '{{').replace('}', '}}')}))?"
_DATE = re.compile(
    rf"\b(?:(?P<year1>{_YEAR})[-/.](?P<second1>\d{{1,2}})[-/.](?P<first1>\d{{1,2}})"
    rf"|(?P<first2>\d{{1,2}})[-/.](?P<second2>\d{{1,2}})[-/.](?P<year2>{_YEAR})"
    rf"|{_DAY.format(3)}\s+(?:of\s+|day\s+of\s+)?{_MONTH.format(3)}{_THEN_YEAR.format(3)}"
    rf"|{_MONTH.format(4)}\s+(?:the\s+)?{_DAY.format(4)}\b{_THEN_YEAR.format(4)}"
    rf"|(?P<year5>{_YEAR}(?:'?s)?))\b",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*(?![\w])")
_UNITS = """
    zero one two three four five six seven eight nine ten
    eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty
"""
_TENS = "thirty forty fifty sixty seventy eighty ninety"
_VALUES = {word: value for value, word in enumerate(_UNITS.split())} | {
    word: 10 * value for value, word in enumerate(_TENS.split(), start=3)
}
_WORDS = {value: word for word, value in _VALUES.items()}
_NUMBER_WORD = re.compile(rf"\b(?:{'|'.join(_VALUES)})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a text: `start` and `end` in characters, what it looks like, and the forms in which it may be written.

    The first form is that of the text. Only for a date, all forms are generated from its day, month and year.
    """

    start: int
    end: int
    kind: Kind
    forms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """A date: its possible pairs of day and month (two if it is unknown which number is the day), and its year, or "".

    A year alone or a decade ("1980s") has no pairs.
    """

    readings: frozenset[tuple[int, int]]
    year: str

    def forms(self) -> tuple[str, ...]:
        """Return the usual English forms of the date, only the shortest ones that longer ones contain.

        "May 11, 1991", "11 May 1991" and "11th of May in the year 1991" contain "May 11", "11 May" and "11th of May". A form in
        digits includes the year, because 11/05 is ambiguous. The year is also a form by itself.
        """
        made: list[str] = []
        for day, month in sorted(self.readings):
            ordinal = f"{day}{'th' if 10 < day < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"
            name = _MONTHS[month - 1].capitalize()
            for called in dict.fromkeys((name, name[:3])):
                made += [f"{called} {day}", f"{day} {called}", f"{called} {ordinal}", f"{ordinal} {called}"]
            made.append(f"{ordinal} of {name}")
            if self.year:
                for d, m in dict.fromkeys(((f"{day:02}", f"{month:02}"), (f"{day}", f"{month}"))):
                    made += [f"{d}/{m}/{self.year}", f"{m}/{d}/{self.year}", f"{self.year}-{m}-{d}"]
        return tuple(dict.fromkeys([*made, self.year] if self.year else made))


def days(text: str) -> Iterator[tuple[int, int, Day]]:
    """Yield the dates in `text`, in digits or with English names of months: start and end in characters, and the date."""
    for found in _DATE.finditer(text):
        said = {key.rstrip("12345"): value for key, value in found.groupdict().items() if value}
        year = said.get("year", "").replace("'", "").lower()
        if "month" in said:
            pairs = {(int(said["day"]), 1 + next(i for i, m in enumerate(_MONTHS) if m.startswith(said["month"][:3].lower())))}
        elif "first" in said:
            first, second = int(said["first"]), int(said["second"])
            # If the year is first, the month is next (ISO 8601).
            pairs = {(first, second)} if found["year1"] else {(first, second), (second, first)}
        else:
            pairs = set()
        readings = frozenset((day, month) for day, month in pairs if 1 <= day <= 31 and 1 <= month <= 12)
        if readings or (year and not pairs):
            yield found.start(), found.end(), Day(readings, year)


def numbers(text: str) -> Iterator[Span]:
    """Yield the numbers in `text`: in digits, or in English words up to twenty and multiples of ten, each with its other form.

    The number one is left out: "one" is a stop word, and banning "1" alone would not suppress it.
    """
    for found in _DIGITS.finditer(text):
        digits = found[0]
        word = _WORDS.get(int(digits), "") if digits.isascii() and digits.isdigit() and len(digits) < 3 else ""
        if digits != "1":
            yield Span(found.start(), found.end(), "number", (digits, word) if word else (digits,))
    for found in _NUMBER_WORD.finditer(text):
        word = found[0].lower()
        if word != "one":
            yield Span(found.start(), found.end(), "number", (word, str(_VALUES[word])))


def titles(text: str) -> Iterator[Span]:
    """Yield the quoted parts of `text` with a capital letter, or with letters without case, of at most 14 words.

    The forms are the whole quotation and its parts in their order: title, subtitle, series.
    """
    for found in _QUOTED.finditer(text):
        inner = next(group for group in found.groups() if group is not None).strip(" .,;:!?")
        letters = [character for character in inner if character.isalpha()]
        cased = any(character.isupper() for character in inner)
        if not letters or (not cased and any(character.islower() for character in letters)):
            continue
        if len(fold(inner).split()) > _LONGEST_TITLE:
            continue
        parts = [part for part in _TITLE_PARTS.split(inner) if len(fold(part).split()) > 1]
        yield Span(found.start(), found.end(), "title", tuple(dict.fromkeys([inner, *parts])))


def capitalised(text: str, lower: Collection[str] = (), names: Collection[str] = ()) -> Iterator[Span]:
    """Yield runs of capitalised words and the connecting words between them ("Isle of Man"), of at most 10 words.

    A run is a place if a preposition of place, or another place and a comma, precedes it. A single word at the beginning of a
    sentence may be any word and is left out.

    Args:
        text: Any text.
        lower: Words that are known to be written with a small letter. They are dropped at the beginning of a sentence.
        names: Folded names whose possessive ends a run ("Ada Byron's Engine" is two runs).
    """
    words = [(found[0], found.start(), found.end()) for found in _WORD.finditer(text)]
    place_ends = len(text)
    at = 0
    while at < len(words):
        if not words[at][0][0].isupper():
            at += 1
            continue
        first, last = at, _run_end(text, words, at, names)
        at = last + 1
        begins = _begins_sentence(text, words[first][1])
        while first <= last and _droppable(words[first][0], begins, lower):
            first, begins = first + 1, False
        if first > last or (begins and first == last):
            continue
        start, end = words[first][1], words[last][2]
        placed = _LOCATIVE.search(text[max(0, start - 24) : start]) is not None or text[place_ends:start] in (", ", ", the ")
        # "In the French tradition": an adjective of what follows.
        following = _SMALL_WORD.match(text, end)
        placed = placed and (following is None or following[1] in COMMON_WORDS)
        place_ends = end if placed else len(text)
        yield Span(start, end, "place" if placed else "name", (_POSSESSIVE.sub("", text[start:end].rstrip(".")),))


def _begins_sentence(text: str, start: int) -> bool:
    before = text[max(0, start - 8) : start].strip(" \t\"'\u201c\u2018(")
    return before[-1] in ".!?\u2026\n" if before else start < 8


def _run_end(text: str, words: list[tuple[str, int, int]], first: int, names: Collection[str]) -> int:
    """Return the index of the last word of the run that begins at `first`."""
    last, at = first, first + 1
    while at < len(words) and at - first < _LONGEST_RUN:
        before, word = words[at - 1][0], words[at][0]
        initial = before.endswith(".") and len(before) <= 3
        if (before.endswith(".") and not initial) or not _GAP.fullmatch(text, words[at - 1][2], words[at][1]):
            break
        if _POSSESSIVE.search(before) and fold(_POSSESSIVE.sub("", text[words[first][1] : words[at - 1][2]])).strip() in names:
            break
        if word[0].isupper():
            last = at
        elif word.lower() not in _CONNECTING and not (word in _ARTICLES and before in _CONNECTING):
            break
        at += 1
    return last


def _droppable(word: str, begins: bool, lower: Collection[str]) -> bool:
    """Return whether the first word of a run is not part of it: a stop word, or a small word that begins a sentence."""
    small = fold(word).strip()
    return COMMON_WORDS.issuperset(small.split()) or (begins and small in lower)
