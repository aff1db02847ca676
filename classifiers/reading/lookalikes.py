"""Look-alikes: letters of other alphabets, and letter-like symbols, that a reader takes for Latin letters."""

from __future__ import annotations

import json
import re
import unicodedata
from functools import lru_cache
from importlib.resources import files

# Letters of scripts with letters of Latin shapes: Greek, Cyrillic, Armenian, Cherokee, Coptic, Lisu and their extensions.
_SIMILAR = "\u0370-\u058f\u13a0-\u13ff\u1c80-\u1c8f\u1f00-\u1fff\u2c80-\u2cff\u2de0-\u2dff\ua4d0-\ua4ff\ua640-\ua69f\uab70-\uabbf"
# Unusual Latin letters that replace usual ones: phonetic letters, small capitals, turned letters; and letter-like symbols.
_ODD = (
    "\u0250-\u02af\u1d00-\u1d2b\u2c60-\u2c7f\ua720-\ua7ff\uab30-\uab6f"
    "\U0001f130-\U0001f149\U0001f150-\U0001f189\U0001f1e6-\U0001f1ff"
)
# Letters that compatibility decomposition turns into usual letters: full width, circled, superscript, mathematical.
_STYLED = (
    "\u1d2c-\u1d6a\u2071\u207f\u2090-\u209c\u2102\u210a-\u2113\u2115\u2119-\u211d\u2124\u2128\u212c\u212d\u212f-\u2131\u2133\u2134"
    "\u249c-\u24e9\uff21-\uff3a\uff41-\uff5a\U0001d400-\U0001d7ff"
)
_WORD = re.compile(r"[^\W\d_]+", re.UNICODE)
_FOREIGN = re.compile(rf"[{_SIMILAR}]")
_SIGN = re.compile(rf"[{_ODD}{_STYLED}]{{3}}|[{_ODD}{_STYLED}][A-Za-z]|[A-Za-z][{_ODD}{_STYLED}]")
_LATIN = re.compile(r"[A-Za-z]")

# The fewest letters of a text that consists of look-alikes as a whole.
_ENOUGH = 4
# Shapes that are only roughly alike: used in words that also contain Latin letters, where no other reading makes sense.
_ROUGH = {
    **dict(zip("вгзикмнптяшєђћцѵ", "brzukmhntrwehhuv", strict=True)),
    **dict(zip("ГЗИПЦШЯЄ", "rznnuwre", strict=True)),
    **dict(zip("βγεηθικλμνπστυωχ", "byenoiklmvnotuwx", strict=True)),
    **dict(zip("ΓΛΠΣΨΩ", "rlnsyo", strict=True)),
    **dict(zip("աեհոսցտրկմ", "wthnugmrkm", strict=True)),
}
_NAMED = re.compile(
    r"(?:LATIN LETTER SMALL CAPITAL|(?:LATIN SMALL LETTER|LATIN CAPITAL LETTER)(?: TURNED| REVERSED| SCRIPT)|"
    r"(?:NEGATIVE )?(?:SQUARED|CIRCLED) LATIN CAPITAL LETTER|REGIONAL INDICATOR SYMBOL LETTER) ([A-Z])$"
)


@lru_cache(maxsize=1)
def _confusables() -> dict[str, str]:
    """Return the ASCII letter that each letter can be taken for, from the list of the Unicode Consortium (UTS 39)."""
    data = json.loads(files("confusable_homoglyphs").joinpath("confusables.json").read_text(encoding="utf-8"))
    table: dict[str, str] = {}
    for character, entries in data.items():
        for entry in entries:
            if len(character) == 1 and not character.isascii() and len(entry["c"]) == 1 and entry["c"] in _ASCII_LETTERS:
                table.setdefault(character, entry["c"])
    return table


_ASCII_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


@lru_cache(maxsize=16_384)
def latin_letter(character: str, rough: bool) -> str:
    """Return the Latin letter that `character` looks like (if `rough`, even roughly), or the character itself."""
    if character.isascii():
        return character
    if character in (table := _confusables()):
        return table[character]
    if named := _NAMED.match(unicodedata.name(character, "")):
        return named[1].lower()
    plain = unicodedata.normalize("NFKD", character)
    if plain[0] in _ASCII_LETTERS:
        return plain
    if plain[0] in table:
        return table[plain[0]]
    return _ROUGH.get(character, character) if rough else character


def _as_latin(word: str, rough: bool) -> str:
    return "".join([latin_letter(character, rough) for character in word])


def unmasked(text: str) -> str:
    """Return `text` with Latin letters in place of their look-alikes; `text` itself if no word seems to be disguised.

    A word is disguised if it mixes Latin letters with those of another alphabet. A word whose letters all look Latin is disguised
    if the text is mostly Latin, if all words of other alphabets look Latin, or if the next word does too and both are long
    enough. So Russian and Greek texts are not changed. Letter-like symbols (circled, turned, small capitals) are always replaced.
    """
    if text.isascii():
        return text
    if _SIGN.search(text):
        text = "".join(latin_letter(c, False) if not c.isascii() and re.match(f"[{_ODD}{_STYLED}]", c) else c for c in text)
    if not _FOREIGN.search(text):
        return text
    words = list(_WORD.finditer(text))
    foreign = [_FOREIGN.search(word[0]) is not None for word in words]
    mixed = [other and _LATIN.search(word[0]) is not None for word, other in zip(words, foreign, strict=True)]
    read = [_as_latin(word[0], both) if other else word[0] for word, other, both in zip(words, foreign, mixed, strict=True)]
    alike = [other and latin.isascii() for other, latin in zip(foreign, read, strict=True)]
    whole = len(_LATIN.findall(text)) > len(_FOREIGN.findall(text)) or (
        alike == foreign and sum(len(word) for word, like in zip(read, alike, strict=True) if like) >= _ENOUGH
    )
    # A word of two letters from two alphabets is a unit, such as the kilo-ohm.
    disguised = [
        len(word) > 2 if both else like and whole and len(word) > 1 for word, both, like in zip(read, mixed, alike, strict=True)
    ]
    for k in range(len(words) - 1):
        if alike[k] and alike[k + 1] and min(len(read[k]), len(read[k + 1])) > 2:
            disguised[k] = disguised[k + 1] = True
    if not any(disguised):
        return text
    out: list[str] = []
    last = 0
    for found, latin, changed in zip(words, read, disguised, strict=True):
        out += [text[last : found.start()], latin if changed else found[0]]
        last = found.end()
    return "".join([*out, text[last:]])
