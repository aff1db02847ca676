"""Spelling: umlauts written with an e, apostrophes and hyphens left out, prefixes written onto an Arabic name, letters apart."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

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
_LEAST_SPELLED = 4
_MOST_SPELLED = 32
_LEAST_COMPACT = 8


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


def spelled(words: Words, always: bool) -> Iterator[Words]:
    """Yield the letters and digits of folded words, one by one, if no compact form finds them (`guard.phrase.Phrase.compact`).

    Args:
        words: Folded words.
        always: Whether the scope of the phrase is `always`.
    """
    letters = "".join(words)
    if not _LEAST_SPELLED <= len(letters) <= _MOST_SPELLED:
        return
    if not always or len(letters) < _LEAST_COMPACT or ordinary(letters):
        yield tuple(letters)
