"""Letters that people type in another way than they are printed.

NFKD leaves letters with a stroke and ligatures as they are, while everybody types l for ł. The table also unifies letters that
look the same in Latin, Cyrillic and Greek, so that one Cyrillic letter inside a Latin word does not hide it. Of the lookalikes it
takes those whose small letters look alike; of these words can be made that exist in two scripts, but hardly any: `tests` counts
them. Capital В looks like B, but small в does not, and folding must treat both alike.

Sources: the letters are those without a decomposition in the Unicode Character Database; the lookalikes are from
confusables.txt of Unicode Technical Standard 39.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_TYPED: Final = {
    # With a stroke, a hook or a bar; ligatures; letters of their own.
    **dict(zip("øłđðħıŧŋĸſɓɗƙƴɨʉƀǥɫƚⱡꞡəǝɛɔ", "olddhitnksbdkyiubglllgeeeo", strict=True)),
    "þ": "th",
    "æ": "ae",
    "œ": "oe",
    "ĳ": "ij",
    "ß": "ss",
}
_LOOKALIKES: Final = {
    # Latin
    **dict(zip("ɑɡɩ", "agi", strict=True)),
    # Cyrillic
    **dict(zip("аеорсухіјѕһԁԛԝӏ", "aeopcyxijshdqwl", strict=True)),
    # Greek
    **dict(zip("ορυχν", "opuxv", strict=True)),
    # Armenian
    **dict(zip("օս", "ou", strict=True)),
}
# Letters that Arabic and Persian write in two ways.
_ARABIC: Final = {"ى": "ي", "ی": "ي", "ے": "ي", "ک": "ك", "ة": "ه", "ہ": "ه", "ھ": "ه", "ٱ": "ا"}
# Modifier letters that are apostrophes to everybody: "Hawaiʻi".
_APOSTROPHES: Final = dict.fromkeys("ʹʺʻʼʽʾʿˈˊˋ", " ")


_SHAPES: Final = (
    "LATIN LETTER SMALL CAPITAL ",
    "NEGATIVE CIRCLED LATIN CAPITAL LETTER ",
    "NEGATIVE SQUARED LATIN CAPITAL LETTER ",
)


def _shaped() -> dict[str, str]:
    """Return letters in the shape of capitals, and negative squared and circled letters, with what they show."""
    found = {}
    for code in (*range(0x0250, 0x02B0), *range(0x1D00, 0x1D30), *range(0xA720, 0xA800), *range(0x1F150, 0x1F18A)):
        name = unicodedata.name(chr(code), "")
        for kind in _SHAPES:
            letter = name.removeprefix(kind)
            if letter != name and len(letter) == 1:
                found[chr(code)] = letter.lower()
    return found


LETTERS: Final[dict[str, str]] = _TYPED | _LOOKALIKES | _ARABIC | _APOSTROPHES | _shaped()
"""What a character folds to instead of itself, after decomposition and case folding."""
