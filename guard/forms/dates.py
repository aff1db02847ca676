"""Dates: a day of a year in the usual ways to write it in ten languages. The names of the months are those of Unicode CLDR."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from guard.forms.names import folded_words
from guard.forms.numbers import ordinal

Words = tuple[str, ...]
LANGUAGES = ("en", "de", "fr", "es", "it", "pl", "ru", "tr", "fi", "hu")
"""The languages of dates. A date keeps the format of the language whose month it names."""

_YEAR = re.compile(r"1\d{3}|20\d{2}")
_DAY = re.compile(r"(\d{1,2})(?:st|nd|rd|th|er|o|a|go)?")
# Words between the parts of a date: "3rd of February", "3 de febrero de 1949".
_BETWEEN = frozenset(["of", "de", "del", "the"])


@dataclass(frozen=True, slots=True)
class _Months:
    # Folded: of each month the name beside a day (in the genitive in Slavic languages), then its short form and its name alone.
    names: tuple[Words, ...]


@lru_cache(maxsize=1)
def _months() -> dict[str, _Months]:
    from babel.dates import get_month_names

    found = {}
    for language in LANGUAGES:
        tables = [
            get_month_names("wide", "format", language),
            get_month_names("abbreviated", "format", language),
            get_month_names("wide", "stand-alone", language),
        ]
        names = (dict.fromkeys("".join(folded_words(table[month])) for table in tables) for month in range(1, 13))
        found[language] = _Months(tuple(tuple(name for name in month if name.isalpha()) for month in names))
    return found


@lru_cache(maxsize=1)
def _by_name() -> dict[str, int]:
    named = {name: number for months in _months().values() for number, names in enumerate(months.names, 1) for name in names}
    return named | {"sept": 9}


@dataclass(frozen=True, slots=True)
class Date:
    """A date in a phrase: the indices of its first word and of the word after it, and its possible pairs of day and month."""

    start: int
    end: int
    days: tuple[tuple[int, int], ...]
    year: str


def _valid(day: int, month: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


def find(words: Words) -> Date | None:
    """Return the first date among folded words, or None. A date in digits needs a year; one with a month's name does not."""
    if not any(word[:1].isdigit() for word in words):
        return None
    for start in range(len(words)):
        end = start
        kept: list[tuple[str, int]] = []
        while end < len(words) and len(kept) < 3:
            if words[end] in _BETWEEN and kept:
                end += 1
                continue
            kept.append((words[end], end + 1))
            end += 1
        for size in (3, 2):
            if len(kept) >= size and (read := _read(tuple(word for word, _ in kept[:size]))):
                return Date(start, kept[size - 1][1], *read)
    return None


def _read(words: Words) -> tuple[tuple[tuple[int, int], ...], str] | None:
    years = [word for word in words if _YEAR.fullmatch(word)]
    if len(years) > 1 or len(words) - len(years) != 2 or (years and words[1] == years[0]):
        return None
    first, second = (word for word in words if word not in years)
    year = years[0] if years else ""
    for day, name in ((first, second), (second, first)):
        if (number := _DAY.fullmatch(day)) and not name.isdigit() and (month := _by_name().get(name)):
            return (((int(number[1]), month),), year) if _valid(int(number[1]), month) else None
    if not year or not (first.isdigit() and second.isdigit() and len(first) < 3 and len(second) < 3):
        return None
    pairs = [(int(second), int(first))] if words[0] == year else [(int(first), int(second)), (int(second), int(first))]
    valid = tuple(dict.fromkeys(pair for pair in pairs if _valid(*pair)))
    return (valid, year) if valid else None


def _english(day: int, names: Words) -> Iterator[Words]:
    suffix = "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    name, *short = names
    yield (str(day), name)
    yield (name, str(day))
    yield (f"{day}{suffix}", name)
    yield (name, f"{day}{suffix}")
    yield (f"{day}{suffix}", "of", name)
    for other in short:
        yield (str(day), other)
        yield (other, str(day))
    yield (*ordinal(day), "of", name)
    yield (name, *ordinal(day))
    if day < 10:
        yield (f"0{day}", name)
        yield (name, f"0{day}")


def written(day: int, month: int, year: str) -> Iterator[Words]:
    """Yield the folded words of a date, the English forms and those in digits first. Without a year there are no digits alone."""
    tail = (year,) if year else ()
    months = _months()
    for words in _english(day, months["en"].names[month - 1]):
        yield (*words, *tail)
    if year:
        for d, m in dict.fromkeys(((f"{day:02}", f"{month:02}"), (f"{day}", f"{month}"))):
            yield (year, m, d)
            yield (d, m, year)
            yield (m, d, year)
    for language in LANGUAGES[1:]:
        for name in months[language].names[month - 1][:2]:
            if language == "hu":
                yield (*tail, name, str(day))
            elif language == "es":
                yield (str(day), "de", name, *(("de", year) if year else ()))
            else:
                yield (str(day), name, *tail)
                if language == "fr" and day == 1:
                    yield ("1er", name, *tail)
    if year:
        yield (str(day), "de", months["es"].names[month - 1][0], "del", year)


def dates(words: Words) -> Iterator[Words]:
    """Yield folded words with the first date among them written in other ways, its likelier reading first."""
    if date := find(words):
        for day, month in date.days:
            for form in written(day, month, date.year):
                yield (*words[: date.start], *form, *words[date.end :])
