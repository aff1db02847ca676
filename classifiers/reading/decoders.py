"""Decoders: each undoes one way of hiding a text, where the text seems to be hidden that way.

A decoder takes a text and yields the part that was hidden with some of the text around it, not the whole of a long text. For
ordinary prose it yields nothing.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from classifiers.reading.ciphers import caesar, morse, pig_latin, reversed_text, rot13, vowelless
from classifiers.reading.lookalikes import unmasked

Kind = Literal[
    "spelled", "invisible", "lookalikes", "leet", "reversed", "rot13", "base64", "hex", "percent", "entities", "escapes",
    "acrostic", "joined", "scripts", "caesar", "pig latin", "morse", "vowelless",
]  # fmt: skip
# Characters of the text on each side of a hidden part that are kept.
_AROUND = 300

_LETTER = re.compile(r"[^\W\d_]")


def _excerpts(text: str, changes: Iterable[tuple[int, int, str]]) -> Iterator[str]:
    """Yield `text` with the changes made, as one text with `_AROUND` characters around each change; nothing without changes.

    Args:
        text: The original text.
        changes: Start, end and replacement of each change, in order.
    """
    pieces: list[str] = []
    last = 0
    for start, end, replacement in changes:
        if start - last > 2 * _AROUND and pieces:
            pieces += [text[last : last + _AROUND], "\n", text[start - _AROUND : start]]
        else:
            pieces.append(text[max(last, start - _AROUND) : start])
        pieces.append(replacement)
        last = end
    if pieces:
        yield "".join([*pieces, text[last : last + _AROUND]])


# The Latin, Greek and Cyrillic letters. The ranges also have signs ("×") and marks, which are separators.
_ALPHABET = "".join(filter(str.isalpha, map(chr, [*range(0x250), *range(0x370, 0x530)])))
# At least four single letters, or pairs of letters, with separators between them.
_SPELLED = re.compile(
    rf"(?<![^\W_])[{_ALPHABET}](?:[\W_]{{1,3}}[{_ALPHABET}](?![^\W_])){{3,}}"
    rf"|(?<![^\W_])[{_ALPHABET}]{{1,2}}(?:[-._*\u00b7|/~+=]{{1,2}}[{_ALPHABET}]{{1,2}}(?![^\W_])){{3,}}"
)
_BETWEEN = re.compile(r"[\W_]+")


def _spelled(text: str) -> Iterator[str]:
    runs = ((found.start(), found.end(), _joined(found[0])) for found in _SPELLED.finditer(text))
    yield from _excerpts(text, ((start, end, word) for start, end, word in runs if word))


def _joined(run: str) -> str:
    """Return separated letters as words; "" if they are initials.

    The most frequent separator is inside words. Any other one, or a capital after a small letter, begins a new word.
    """
    separators = _BETWEEN.findall(run)
    counts: dict[str, int] = {}
    for separator in separators:
        counts[separator] = counts.get(separator, 0) + 1
    usual = max(counts, key=lambda separator: (counts[separator], -len(separator)))
    if usual in (". ", "., ", ", ") and not run.islower():
        return ""
    letters = _BETWEEN.split(run)
    words = [letters[0]]
    for separator, letter in zip(separators, letters[1:], strict=True):
        capital = letter[0].isupper() and words[-1][-1].islower()
        words += [" ", letter] if separator != usual or capital else [letter]
    return "".join(words)


_INVISIBLE = re.compile(
    r"(?<=[A-Za-z\u00c0-\u052f])[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]+(?=[A-Za-z\u00c0-\u052f])"
)


def _invisible(text: str) -> Iterator[str]:
    if not text.isascii():
        yield from _excerpts(text, ((found.start(), found.end(), "") for found in _INVISIBLE.finditer(text)))


def _lookalikes(text: str) -> Iterator[str]:
    if (plain := unmasked(text)) != text:
        yield plain


_LEET_WORD = re.compile(r"(?<![\w@$.])[A-Za-z0134578@$!|+]{3,24}(?![\w@$]|\.\w)")
# Not leetspeak: a number with a unit or an ending, an exclamation, a hexadecimal number, a model number (A100).
_NUMBERED = re.compile(r"[\d$+|!@]*[A-Za-z]{0,2}|[A-Za-z|+!]+|0x[\da-f]+|[A-Za-z]+10+")
# Leetspeak only if other words of the text are: a word followed by one or two digits (mp3).
_ENDING = re.compile(r"[A-Za-z]+[\d+!|@$]{1,2}")
_HEXADECIMAL = re.compile(r"[\da-f]{4,}")
# In a text with this many words of leetspeak, all words are: "743-h0 P4rk", "15", "0f".
_MANY_LEET = 2
_LEET_TOKEN = re.compile(r"(?<![\w@$.])(?=[^\W_]|[$@])[A-Za-z0134578@$!|+]{0,23}[A-Za-z0134578@$](?![\w@$]|\.\w)")
_EXCLAMATION = re.compile(r"[A-Za-z|+!]+")
_LEET = str.maketrans("0134578@$!|+", "oieastbasilt")
_LEET_L = str.maketrans("0134578@$!|+", "oleastbaslit")


def _leet(text: str) -> Iterator[str]:
    words = [found for found in _LEET_WORD.finditer(text) if not (found[0].isalpha() or _NUMBERED.fullmatch(found[0]))]
    words = [found for found in words if not (_HEXADECIMAL.fullmatch(found[0]) and "-" in _beside(found))]
    sure = sum(not _ENDING.fullmatch(found[0]) for found in words)
    if not sure:
        return
    if sure >= _MANY_LEET:
        words = [found for found in _LEET_TOKEN.finditer(text) if not _EXCLAMATION.fullmatch(found[0])]
    yield from _excerpts(text, ((found.start(), found.end(), found[0].translate(_LEET)) for found in words))
    if any(not {"1", "!", "|"}.isdisjoint(found[0]) for found in words):
        yield from _excerpts(text, ((found.start(), found.end(), found[0].translate(_LEET_L)) for found in words))


def _beside(found: re.Match[str]) -> str:
    return found.string[max(found.start() - 1, 0) : found.start()] + found.string[found.end() : found.end() + 1]


_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{14,}(?:\r?\n[A-Za-z0-9+/_-]{4,})*={0,2}")


def _base64(text: str) -> Iterator[str]:
    yield from _excerpts(text, _decoded(text, _BASE64, _from_base64))


def _from_base64(run: str) -> bytes:
    letters = "".join(run.split()).rstrip("=").translate(str.maketrans("-_", "+/"))
    return base64.b64decode(letters[: len(letters) - (len(letters) % 4 == 1)] + "=" * (-len(letters) % 4))


_HEX = re.compile(
    r"(?<![0-9A-Za-z])"
    r"(?:(?:[0-9A-Fa-f]{2}){8,}|(?:(?:0x|\\x)?[0-9A-Fa-f]{2}[ ,:-]{1,2}){7,}(?:0x|\\x)?[0-9A-Fa-f]{2})"
    r"(?![0-9A-Za-z])"
)


def _hex(text: str) -> Iterator[str]:
    yield from _excerpts(text, _decoded(text, _HEX, lambda run: bytes.fromhex(re.sub(r"0x|\\x|[ ,:-]", "", run))))


_NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd\ue000-\uf8ff]")


def _decoded(text: str, pattern: re.Pattern[str], decode: Callable[[str], bytes]) -> Iterator[tuple[int, int, str]]:
    for found in pattern.finditer(text):
        try:
            plain = decode(found[0]).decode()
        except (binascii.Error, ValueError):
            continue
        letters = sum(character.isalpha() or character == " " for character in plain)
        if 2 * letters > len(plain) and _NOT_TEXT.search(plain) is None:
            yield found.start(), found.end(), f" {plain} "


_PERCENT = re.compile(r"(?:[A-Za-z._~-]{0,40}%[0-9A-Fa-f]{2})+")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,31});")
_ESCAPE = re.compile(r"\\u\{?([0-9A-Fa-f]{4,6})\}?|\\U([0-9A-Fa-f]{8})|\\x([0-9A-Fa-f]{2})|[Uu]\+([0-9A-Fa-f]{4,6})\s?")


def _percent(text: str) -> Iterator[str]:
    if "%" in text:
        yield from _lettered(text, _PERCENT, lambda found: urllib.parse.unquote(found[0]))


def _entities(text: str) -> Iterator[str]:
    if "&" in text:
        yield from _lettered(text, _ENTITY, lambda found: html.unescape(found[0]))


def _escapes(text: str) -> Iterator[str]:
    yield from _lettered(text, _ESCAPE, lambda found: _character(next(filter(None, found.groups()))))


def _character(digits: str) -> str:
    return chr(code) if (code := int(digits, 16)) <= 0x10FFFF and not 0xD800 <= code < 0xE000 else ""


def _lettered(text: str, pattern: re.Pattern[str], read: Callable[[re.Match[str]], str]) -> Iterator[str]:
    """Yield the text with everything that `pattern` matches decoded, if any of that is a letter."""
    changes = [(found.start(), found.end(), read(found)) for found in pattern.finditer(text)]
    if any(_LETTER.search(plain) for _, _, plain in changes):
        yield from _excerpts(text, changes)


DECODERS: tuple[tuple[Kind, Callable[[str], Iterator[str]]], ...] = (
    ("invisible", _invisible),
    ("lookalikes", _lookalikes),
    ("escapes", _escapes),
    ("entities", _entities),
    ("percent", _percent),
    ("base64", _base64),
    ("hex", _hex),
    ("spelled", _spelled),
    ("leet", _leet),
    ("reversed", reversed_text),
    ("rot13", rot13),
    ("caesar", caesar),
    ("pig latin", pig_latin),
    ("morse", morse),
    ("vowelless", vowelless),
)
