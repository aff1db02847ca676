"""Numbers: in digits, grouped or not, and in English words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

Words = tuple[str, ...]

_UNIT_WORDS = """
    zero one two three four five six seven eight nine ten
    eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
"""
_UNITS = _UNIT_WORDS.split()
_TEN_WORDS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety"
_TENS = _TEN_WORDS.split()
_IRREGULAR = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_ORDINAL = re.compile(r"(\d{1,2})(?:st|nd|rd|th)$")
_LEAST_ALONE = 100
_MOST = 999_999_999


def _below_hundred(number: int) -> Words:
    if number < 20:
        return (_UNITS[number],)
    tens, unit = divmod(number, 10)
    return (_TENS[tens], _UNITS[unit]) if unit else (_TENS[tens],)


def cardinal(number: int) -> Words:
    """Return a number up to 999,999,999 in English words, without "and"."""
    if number < 100:
        return _below_hundred(number)
    for size, name in ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred")):
        if number >= size:
            whole, rest = divmod(number, size)
            return (*cardinal(whole), name, *(cardinal(rest) if rest else ()))
    raise AssertionError(number)


def ordinal(number: int) -> Words:
    """Return an English ordinal number below 100 in words: ("twenty", "first")."""
    *before, last = _below_hundred(number)
    regular = last[:-1] + "ieth" if last.endswith("y") else last + "th"
    return (*before, _IRREGULAR.get(last, regular))


def year(number: int) -> tuple[Words, ...]:
    """Return the ways to say a year from 1100 to 2099: "nineteen seventy six", "nineteen hundred seventy six", "two thousand"."""
    century, rest = divmod(number, 100)
    said: list[Words] = []
    if century != 20 or rest >= 10:
        tail = _below_hundred(rest) if rest >= 10 else ("oh", _UNITS[rest]) if rest else ("hundred",)
        said.append((*_below_hundred(century), *tail))
        if rest and century != 20:
            said.append((*_below_hundred(century), "hundred", *_below_hundred(rest)))
            said.append((*_below_hundred(century), "hundred", "and", *_below_hundred(rest)))
    if century == 20:
        said += [("two", "thousand", *(_below_hundred(rest) if rest else ()))]
        if rest:
            said.append(("two", "thousand", "and", *_below_hundred(rest)))
    return tuple(said)


@lru_cache(maxsize=1)
def _values() -> dict[str, int]:
    tens = {word: 10 * index for index, word in enumerate(_TENS) if index > 1}
    return {word: index for index, word in enumerate(_UNITS)} | tens


def value(words: Sequence[str]) -> int | None:
    """Return the number that English words say ("nineteen seventy six", "one hundred and two"), or None if they say none."""
    values, total, group = _values(), 0, 0
    previous = ""
    for word in words:
        if word == "and":
            if previous not in ("hundred", "thousand", "million"):
                return None
        elif word in ("hundred", "thousand", "million"):
            if not group or previous == "and":
                return None
            if word == "hundred":
                group *= 100
            else:
                total, group = total + group * (1_000 if word == "thousand" else 1_000_000), 0
        elif word in values:
            number, before = values[word], values.get(previous)
            if before is None or (20 <= before < 100 and number < 10 and previous != "zero"):
                group += number
            elif 10 <= group < 100 and number >= 10 and not total:  # "nineteen seventy"
                group = group * 100 + number
            else:
                return None
        else:
            return None
        previous = word
    return total + group if words and previous != "and" else None


def _of_digits(digits: str, alone: bool) -> Iterator[Words]:
    number = int(digits)
    if digits[0] == "0" or number > _MOST:
        return
    if not alone or number >= _LEAST_ALONE:
        if len(digits) == 4 and 1100 <= number <= 2099:
            yield from year(number)
        words = cardinal(number)
        yield words
        if number > 100 and number % 100 and len(words) > 2:
            tail = _below_hundred(number % 100)
            yield (*words[: -len(tail)], "and", *tail)
    if number >= 1_000:
        yield tuple(f"{number:,}".split(","))


def years(words: Words, said: str) -> Iterator[Words]:
    """Yield folded words with the year `said` among them, in digits, written in words."""
    if said in words:
        at = words.index(said)
        for form in year(int(said)):
            yield (*words[:at], *form, *words[at + 1 :])


def numbers(words: Words, alone: bool) -> Iterator[Words]:
    """Yield folded words with one of their numbers written in another way.

    Args:
        words: Folded words. A grouped number is several of them: "1,234,567" is ("1", "234", "567").
        alone: Whether a small number that is the whole phrase keeps its digits, because "7" banned as "seven" would be banned in
            any text.
    """
    at = 0
    while at < len(words):
        word, end = words[at], at + 1
        alone_here = alone and len(words) == 1
        others: list[Words] = []
        if word.isascii() and word.isdigit():
            if len(word) <= 3:
                while end < len(words) and len(words[end]) == 3 and words[end].isdigit():
                    end += 1
            digits = "".join(words[at:end])
            if end > at + 1:
                others.append((digits,))
            if len(digits) <= 9:
                others += _of_digits(digits, alone_here)
        elif found := _ORDINAL.match(word):
            others.append(ordinal(int(found[1])))
        elif word in _values():
            while end < len(words) and (words[end] in _values() or words[end] in ("and", "hundred", "thousand", "million")):
                end += 1
            while end > at and (number := value(words[at:end])) is None:
                end -= 1
            if end == at:
                end = at + 1
            elif number is not None and number > 1 and not (alone and end - at == len(words) and number < _LEAST_ALONE):
                others.append((str(number),))
        for other in others:
            if other != words[at:end]:
                yield (*words[:at], *other, *words[end:])
        at = end
