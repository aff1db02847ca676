"""Spelling: umlauts written with an e, apostrophes and hyphens left out, prefixes written onto an Arabic name, letters apart."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal

from guard.forms.names import folded_words
from guard.frequency import ordinary

Words = tuple[str, ...]

_SPELLED_OUT = str.maketrans(
    {"ü": "ue", "ö": "oe", "ä": "ae", "å": "aa", "ø": "oe", "Ü": "Ue", "Ö": "Oe", "Ä": "Ae", "Å": "Aa", "Ø": "Oe"}
)
# An e after a, o or u between consonants of a German surname. "que" and "gue" are French and Spanish.
_E_FOR_UMLAUT = re.compile(r"(?<=[bcdfghjklmnprstvwz])(?<!g)([aou])e(?=[bcdfghjklmnprstvwz])")
_INNER = r"['\u2018\u2019\u02bc\u02bb`\u00b4\u2032\-\u2010\u2011\u2012\u2013\u30fb\u00b7\u05be\uff0d\uff07]"
_JOINED = re.compile(rf"[^\W\d_]+(?:{_INNER}[^\W\d_]+)+")
_LEADING = ("و", "ف", "ب", "ل", "ك", "وب", "ول")
_NORMAL_FORMS: tuple[Literal["NFD", "NFKC"], ...] = ("NFD", "NFKC")
_LEAST_SPELLED = 4
_MOST_SPELLED = 32


def umlauts(text: str, words: Words) -> Iterator[Words]:
    """Yield a name with ü, ö, ä, å, ø spelled ue, oe, ae, aa, oe, and a last word in ue, oe, ae with the plain vowel."""
    composed = unicodedata.normalize("NFC", text)
    changed = composed.translate(_SPELLED_OUT)
    if changed != composed:
        yield folded_words(changed)
    elif words and len(words[-1]) > 4:
        plain = _E_FOR_UMLAUT.sub(r"\1", words[-1])
        if plain != words[-1]:
            yield (*words[:-1], plain)


def closed_up(text: str) -> Iterator[Words]:
    """Yield the words without the apostrophes and hyphens inside them: all of them closed up, then each alone.

    A form of nothing but ordinary words is left out: "We'll" is not "well".
    """
    found = list(_JOINED.finditer(text))
    if not found:
        return
    choices = [found] if len(found) == 1 else [found, *([one] for one in found)]
    for chosen in choices:
        pieces, at = [], 0
        for one in chosen:
            pieces += [text[at : one.start()], re.sub(_INNER, "", one[0])]
            at = one.end()
        words = folded_words("".join([*pieces, text[at:]]))
        if not all(ordinary(word) for word in words):
            yield words


def arabic_prefixes(text: str) -> Iterator[Words]:
    """Yield an Arabic phrase with a conjunction or a preposition written onto its first word: wa-, fa-, bi-, li-, ka-.

    Before the article, li- takes the place of its alif (Ryding, A Reference Grammar of Modern Standard Arabic, 16.2).
    """
    words = folded_words(text)
    if not words or not "\u0620" <= words[0][0] <= "\u06d3" or len(words[0]) < 3:
        return
    for prefix in _LEADING:
        first = prefix + words[0]
        if words[0].startswith("ال") and prefix.endswith("ل"):
            first = prefix + words[0][1:]
        yield folded_words(" ".join([first, *words[1:]]))


def voiced(text: str) -> Iterator[Words]:
    """Yield a text with its kana and their voicing marks apart, and in one, which fold to different words.

    Half-width kana always have the mark apart.
    """
    if not text.isascii():
        for form in _NORMAL_FORMS:
            yield folded_words(unicodedata.normalize(form, text))


def spelled(words: Words) -> Iterator[Words]:
    """Yield the 4 to 32 letters and digits of folded words one by one.

    A phrase needs this only if no compact form finds it (`guard.phrase.Phrase.compact`).
    """
    letters = "".join(words)
    if _LEAST_SPELLED <= len(letters) <= _MOST_SPELLED:
        yield tuple(letters)
